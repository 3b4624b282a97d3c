"""Which model reads handwritten digits best? Candidates are cross-validated side by side.

Needs scikit-learn: ``pip install "stepwell[examples]"``. Run it with ``python model_selection.py run``.

What stands at the top is imported once for all tasks; imported in a step, it would be anew in each of them.
"""

from pydoc import locate

from sklearn.datasets import load_digits
from sklearn.model_selection import cross_val_score, train_test_split

from stepwell import FlowSpec, Parameter, step

CANDIDATES = [
    ("nearest neighbours", "sklearn.neighbors.KNeighborsClassifier", {"n_neighbors": 3}),
    ("naive Bayes", "sklearn.naive_bayes.GaussianNB", {}),
    ("support vectors, linear", "sklearn.svm.SVC", {"kernel": "linear"}),
    ("support vectors, RBF", "sklearn.svm.SVC", {"kernel": "rbf", "gamma": 0.001}),
    ("decision tree", "sklearn.tree.DecisionTreeClassifier", {"random_state": 0}),
]


class ModelSelection(FlowSpec):
    """Cross-validates each candidate in a task of its own and keeps the best."""

    folds = Parameter("folds", default=5, help="Number of cross-validation folds.")
    test_share = Parameter("test-share", default=0.25, help="Share of the data kept back for the final test.")

    @step
    def start(self):
        """Load the data once; every later step reads the same stored arrays."""
        images, digits = load_digits(return_X_y=True)
        self.train_images, self.test_images, self.train_digits, self.test_digits = train_test_split(
            images, digits, test_size=self.test_share, random_state=0, stratify=digits
        )
        self.candidates = CANDIDATES
        self.next(self.evaluate, foreach="candidates")

    @step
    def evaluate(self):
        """Cross-validate one candidate, then train it on all of the training data."""
        self.label, path, options = self.input
        self.model = locate(path)(**options)
        scores = cross_val_score(self.model, self.train_images, self.train_digits, cv=self.folds)
        self.score, self.spread = float(scores.mean()), float(scores.std())
        self.model.fit(self.train_images, self.train_digits)
        print(f"{self.label}: {self.score:.3f}")
        self.next(self.choose)

    @step
    def choose(self, inputs):
        """Take the best model over, and the test data that all branches agree on."""
        ranking = sorted(inputs, key=lambda task: task.score, reverse=True)
        self.ranking = [(task.label, task.score, task.spread) for task in ranking]
        self.model, self.label = ranking[0].model, ranking[0].label
        self.merge_artifacts(inputs, include=["test_images", "test_digits"])
        self.next(self.end)

    @step
    def end(self):
        """Test the winner on data that no candidate has seen."""
        self.accuracy = float(self.model.score(self.test_images, self.test_digits))
        for label, score, spread in self.ranking:
            print(f"{label:<25} {score:.3f} +/- {spread:.3f}")
        print(f"Best: {self.label}, {self.accuracy:.1%} right on unseen digits")


if __name__ == "__main__":
    ModelSelection()
