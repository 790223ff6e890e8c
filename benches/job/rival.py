"""What one would write by hand: asyncio, aiohttp, a Parquet file. Prints requests a second."""

import asyncio
import csv
import itertools
import json
import re
import sys
import time
from datetime import datetime

import aiohttp
import pyarrow
import pyarrow.parquet

LIST, SERVER, TARGET = sys.argv[1:]
IN_FLIGHT = 128
RECORDS = 40_000
WHOLE = ["Year", "Metascore", "tomatoMeter", "tomatoReviews", "tomatoFresh", "tomatoRotten", "tomatoUserMeter"]
SEPARATED = ["imdbVotes", "tomatoUserReviews", "BoxOffice"]
REAL = ["imdbRating", "tomatoRating", "tomatoUserRating"]
TEXT = ["Title", "Rated", "Genre", "Director", "Writer", "Actors", "Plot", "Language", "Country", "Awards", "Poster",
        "Type", "tomatoImage", "tomatoConsensus", "tomatoURL", "Production", "Website"]


def day(text):
    try:
        return datetime.strptime(text, "%d %b %Y").date()
    except ValueError:
        return None


def row(imdb_id, film):
    film = {name: None if value in ("N/A", "") else value for name, value in film.items() if name != "Ratings"}
    typed = lambda names, convert: {name: convert(film[name]) if film.get(name) else None for name in names}
    row = {"imdb_id": imdb_id, **{name: film.get(name) for name in TEXT}}
    row |= typed(WHOLE, int) | typed(REAL, float) | typed(["Released", "DVD"], day)
    row |= typed(SEPARATED, lambda text: int(text.lstrip("$").replace(",", "")))
    row |= typed(["Runtime"], lambda text: int(re.match(r"\d+", text)[0]))
    return row


async def main():
    rows = []
    with open(LIST, newline="") as file:
        records = itertools.islice(csv.DictReader(file), RECORDS)

        async def ask(session):
            for record in records:
                async with session.get(f"{SERVER}/{record['document']}.json") as answer:
                    answer.raise_for_status()
                    film = json.loads(await answer.read())
                    rows.append(row(record["imdb_id"], film))

        connector = aiohttp.TCPConnector(limit=IN_FLIGHT)
        async with aiohttp.ClientSession(connector=connector) as session:
            await asyncio.gather(*(ask(session) for _ in range(IN_FLIGHT)))
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), TARGET)
    return len(rows)


begun = time.perf_counter()
asked = asyncio.run(main())
print(asked / (time.perf_counter() - begun))
