"""A cache as people write it: threads that gather and write into SQLite row by row, others that read it meanwhile.

    sqlite_threads.py DATABASE ROWS SECONDS_OF_PATIENCE

Prints seconds, rows written, rows lost, errors of writers, reads, and errors of readers.
"""

import sqlite3
import sys
import threading
import time

path, rows, patience = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
WRITERS, READERS = 8, 4

with sqlite3.connect(path) as made:
    made.execute("CREATE TABLE ticks (id INTEGER PRIMARY KEY, target TEXT)")

lost, write_errors, reads, read_errors = [], [], [], []
over = threading.Event()


def write(numbers):
    connection = sqlite3.connect(path, timeout=patience)
    for number in numbers:
        try:
            with connection:
                connection.execute("INSERT INTO ticks VALUES (?, ?)", (number, f"/echo/{number}"))
        except sqlite3.OperationalError as error:
            lost.append(number)
            write_errors.append(str(error))


def read():
    connection = sqlite3.connect(path, timeout=patience)
    while not over.is_set():
        try:
            connection.execute("SELECT count(*), max(target) FROM ticks").fetchall()
            reads.append(1)
        except sqlite3.OperationalError as error:
            read_errors.append(str(error))


began = time.monotonic()
readers = [threading.Thread(target=read) for _ in range(READERS)]
writers = [threading.Thread(target=write, args=(range(at, rows, WRITERS),)) for at in range(WRITERS)]
for thread in readers + writers:
    thread.start()
for thread in writers:
    thread.join()
seconds = time.monotonic() - began
over.set()
for thread in readers:
    thread.join()
written = sqlite3.connect(path, timeout=60).execute("SELECT count(*) FROM ticks").fetchone()[0]
print(f"{seconds:.1f} {written} {len(lost)} {len(write_errors)} {len(reads)} {len(read_errors)}")
