"""The flow of project-name: reads a table, works on each group in a task of its own, puts them together."""

import csv
from collections import defaultdict
from pathlib import Path

from stepwell import FlowSpec, Parameter, step

DATA = Path(__file__).with_name("planets.csv")


class ProjectFlow(FlowSpec):
    """Statistics of the groups of a table."""

    data = Parameter("data", default=str(DATA), help="The table, as CSV with a head line.")
    group = Parameter("group", default="kind", help="The column that says which group a row belongs to.")
    value = Parameter("value", default="diameter_km", help="The column of numbers to look at.")

    @step
    def start(self):
        """Read the table once, and make the list of groups that the foreach goes over."""
        rows = defaultdict(list)
        with open(self.data, newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                rows[row[self.group]].append(float(row[self.value]))
        self.groups = sorted(rows.items())
        self.next(self.analyse, foreach="groups")

    @step
    def analyse(self):
        """Work on one group. Tasks run side by side, each in a process of its own."""
        self.label, values = self.input
        self.count = len(values)
        self.mean = sum(values) / len(values)
        self.next(self.compare)

    @step
    def compare(self, inputs):
        """Put the groups together, the largest mean first."""
        rows = [(task.label, task.count, task.mean) for task in inputs]
        self.table = sorted(rows, key=lambda row: row[2], reverse=True)
        self.next(self.end)

    @step
    def end(self):
        """Show the table; it stays readable as an artifact."""
        for label, count, mean in self.table:
            print(f"{label:<12} {count:>5}  {mean:>12,.1f}")


if __name__ == "__main__":
    ProjectFlow()
