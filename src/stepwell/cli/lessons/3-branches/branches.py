"""Two questions to the same data, answered side by side and brought together."""

import sys
import unicodedata
from collections import Counter

from stepwell import FlowSpec, Parameter, step


class BranchesFlow(FlowSpec):
    """Looks at all characters of Unicode in two ways at once."""

    number = Parameter("number", default=7.0, help="Which number a character must stand for.")

    @step
    def start(self):
        """Collect the characters once; both branches read the same stored value."""
        self.characters = "".join(filter(str.isprintable, map(chr, range(sys.maxunicode + 1))))
        self.next(self.cases, self.numerals)

    @step
    def cases(self):
        """First question: how many letters are upper case, lower case, or neither?"""
        kinds = Counter(unicodedata.category(character) for character in self.characters)
        self.cases_found = {"upper": kinds["Lu"], "lower": kinds["Ll"], "neither": kinds["Lo"]}
        self.next(self.together)

    @step
    def numerals(self):
        """Second question: which characters stand for the number?"""
        self.numerals_found = [
            character for character in self.characters if unicodedata.numeric(character, None) == self.number
        ]
        self.next(self.together)

    @step
    def together(self, inputs):
        """A join: it runs when both branches have succeeded, and sees each of them in `inputs`."""
        print("upper case letters:", inputs.cases.cases_found["upper"])
        print("the number is written in", len(inputs.numerals.numerals_found), "ways")
        self.merge_artifacts(inputs)
        self.next(self.end)

    @step
    def end(self):
        """Everything that the branches agree on, or that only one has, is here after the merge."""
        print(self.cases_found)
        print(" ".join(self.numerals_found))


if __name__ == "__main__":
    BranchesFlow()
