"""A census of Unicode: which scripts have the most letters? One task for each part of it."""

import unicodedata
from collections import Counter

from stepwell import FlowSpec, Parameter, step

CODE_POINTS = 0x32000
"""Where assigned letters end, for now."""


class CensusFlow(FlowSpec):
    """Counts the letters of each script, in parts that are counted side by side."""

    size = Parameter("size", default=16384, help="How many code points one task looks at.")

    @step
    def start(self):
        """Make the list of parts; the foreach starts a task for each item of it."""
        self.parts = [range(first, first + self.size) for first in range(0, CODE_POINTS, self.size)]
        self.next(self.count, foreach="parts")

    @step
    def count(self):
        """Count one part, which is `self.input`. The first word of a letter's name is its script."""
        names = (unicodedata.name(chr(code), "") for code in self.input if chr(code).isalpha())
        self.scripts = Counter(name.split()[0] for name in names if name)
        print(f"part {self.index}: {self.scripts.total()} letters of {len(self.scripts)} scripts")
        self.next(self.add)

    @step
    def add(self, inputs):
        """The join of a foreach: `inputs` has all the tasks, in the order of the items."""
        self.scripts = sum((task.scripts for task in inputs), Counter())
        self.largest_part = max(inputs, key=lambda task: task.scripts.total()).index
        self.next(self.end)

    @step
    def end(self):
        """Print the largest scripts."""
        print(f"the most letters are in part {self.largest_part}; the largest scripts are:")
        for script, letters in self.scripts.most_common(8):
            print(f"{script.capitalize():<12} {letters:>7,}")


if __name__ == "__main__":
    CensusFlow()
