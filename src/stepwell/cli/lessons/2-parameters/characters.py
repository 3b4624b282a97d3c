"""Finds characters of Unicode by their names. What to look for is said on the command line."""

import sys
import unicodedata

from stepwell import FlowSpec, Parameter, step


class CharactersFlow(FlowSpec):
    """Finds the characters that have a word in their names."""

    word = Parameter("word", default="snowman", help="What the name of a character must have in it.")
    most = Parameter("most", default=10, help="How many characters are printed.")
    codes = Parameter("codes", default=False, help="Print the number of each character as well.")

    @step
    def start(self):
        """Go through all of Unicode; the parameters are there like artifacts, but cannot be changed."""
        wanted = self.word.upper()
        names = ((chr(code), unicodedata.name(chr(code), "")) for code in range(sys.maxunicode + 1))
        self.found = {character: name for character, name in names if wanted in name}
        self.next(self.end)

    @step
    def end(self):
        """Print the first ones; all of them are stored."""
        print(f"{len(self.found)} characters have `{self.word}` in their names")
        for character, name in list(self.found.items())[: self.most]:
            code = f"U+{ord(character):04X}  " if self.codes else ""
            print(f"{code}{character}  {name.capitalize()}")


if __name__ == "__main__":
    CharactersFlow()
