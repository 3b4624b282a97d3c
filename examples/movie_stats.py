"""What do critics and cinema-goers like? Statistics of 17,000 movies, one task for each genre.

The data is the table of movies that ships with the package ``bokeh_sampledata``. Run it with
``python movie_stats.py run``, or for large genres only: ``python movie_stats.py run --least 1000``.
"""

import sqlite3
from collections import defaultdict
from contextlib import closing
from importlib.resources import as_file, files
from statistics import quantiles
from typing import NamedTuple

from stepwell import FlowSpec, Parameter, step

MOVIES = """
    SELECT omdb.Title, omdb.Year, omdb.Genre, tomatoes.Meter, tomatoes.BoxOffice
    FROM omdb JOIN tomatoes USING (ID)
    WHERE omdb.Genre IS NOT NULL AND tomatoes.Meter IS NOT NULL
"""


class Movie(NamedTuple):
    """A movie. ``meter`` is the share of good reviews in percent, ``box_office`` is in dollars."""

    title: str
    year: int
    meter: int
    box_office: float | None


class GenreStats(NamedTuple):
    """What is told of a genre: quartiles of the reviews, and of the box office in millions of dollars."""

    genre: str
    movies: int
    meter: list[float]
    millions: list[float]
    best_seller: str


def movies_by_genre() -> dict[str, list[Movie]]:
    """Read the table; a movie of several genres stands under each of them."""
    found: dict[str, list[Movie]] = defaultdict(list)
    with (
        as_file(files("bokeh_sampledata") / "_data" / "movies.db") as path,
        closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database,
    ):
        for title, year, genres, meter, box_office in database.execute(MOVIES):
            for genre in filter(None, genres.split(", ")):
                found[genre].append(Movie(title, year, meter, box_office))
    return dict(found)


class MovieStats(FlowSpec):
    """Reviews and box office by genre: a foreach over the genres, joined to one table."""

    least = Parameter("least", default=100, help="Leave out genres with fewer movies than this.")

    @step
    def start(self):
        """Read the movies and make the list that the foreach goes over."""
        by_genre = movies_by_genre()
        self.genres = sorted(
            (genre, movies) for genre, movies in by_genre.items() if len(movies) >= self.least
        )
        print(f"{sum(map(len, by_genre.values()))} entries in {len(by_genre)} genres")
        self.next(self.analyse, foreach="genres")

    @step
    def analyse(self):
        """Work on one genre; each runs in a process of its own, and reads its own item only."""
        genre, movies = self.input
        sold = [movie for movie in movies if movie.box_office]
        best = max(sold, key=lambda movie: movie.box_office, default=None)
        self.stats = GenreStats(
            genre=genre,
            movies=len(movies),
            meter=quantiles([movie.meter for movie in movies], n=4),
            millions=[q / 1e6 for q in quantiles([m.box_office for m in sold], n=4)] if len(sold) > 1 else [],
            best_seller=f"{best.title} ({best.year})" if best else "",
        )
        self.next(self.report)

    @step
    def report(self, inputs):
        """Put the genres into one table, those with the best reviews first."""
        self.stats = sorted((task.stats for task in inputs), key=lambda stats: stats.meter[1], reverse=True)
        lines = [f"{'genre':<12} {'movies':>6}  {'good reviews, %':>17}  {'median, M$':>10}  best seller"]
        for stats in self.stats:
            low, median, high = stats.meter
            dollars = f"{stats.millions[1]:.1f}" if stats.millions else "-"
            lines.append(
                f"{stats.genre:<12} {stats.movies:>6}  {median:>5.0f} ({low:.0f} to {high:.0f})".ljust(40)
                + f"{dollars:>10}  {stats.best_seller}"
            )
        self.table = "\n".join(lines)
        self.next(self.end)

    @step
    def end(self):
        """Show the table."""
        print(self.table)


if __name__ == "__main__":
    MovieStats()
