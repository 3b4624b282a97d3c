"""Looks characters up by their names. One of the names is wrong, and that is the lesson."""

import unicodedata

from stepwell import FlowSpec, Parameter, step

NAMES = "snowman,hot beverage,no such thing,black chess knight"


class LookupFlow(FlowSpec):
    """Looks up one character in each task."""

    names = Parameter("names", default=NAMES, separator=",", help="Names of characters.")
    lenient = Parameter("lenient", default=False, help="Leave out names that do not exist.")

    @step
    def start(self):
        """One task for each name."""
        self.next(self.look_up, foreach="names")

    @step
    def look_up(self):
        """Fails for a name that does not exist, unless the run is lenient."""
        print("looking for", self.input)
        self.character = None
        try:
            self.character = unicodedata.lookup(self.input)
        except KeyError:
            if not self.lenient:
                raise
            print("there is no such character, left out")
        self.next(self.collect)

    @step
    def collect(self, inputs):
        """Put together what was found."""
        self.found = [task.character for task in inputs if task.character]
        self.next(self.end)

    @step
    def end(self):
        """Print it."""
        print(*self.found)


if __name__ == "__main__":
    LookupFlow()
