"""What one would write by hand: a thread pool, each thread with a connection, a transaction for each job."""

import json
import sys
import threading
from http.client import HTTPConnection
from urllib.parse import urlsplit

DATABASE, ORIGIN = sys.argv[1:]
THREADS = 32


def connect():
    url = urlsplit(DATABASE)
    if url.scheme.startswith("postgres"):
        import psycopg

        return psycopg.connect(DATABASE)
    import pymysql

    connection = pymysql.connect(host=url.hostname, port=url.port, user=url.username, database=url.path[1:])
    connection.cursor().execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
    return connection


def work():
    connection, origin = connect(), urlsplit(ORIGIN)
    client = HTTPConnection(origin.hostname, origin.port)
    cursor = connection.cursor()
    while True:
        cursor.execute("SELECT id FROM jobs WHERE state = 'new' ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED")
        row = cursor.fetchone()
        if row is None:
            connection.rollback()
            return
        client.request("GET", f"{origin.path}{row[0]}")
        answer = client.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise SystemExit(f"status {answer.status}")
        target = json.loads(body)["target"]
        cursor.execute("INSERT INTO results (id, target) VALUES (%s, %s)", (row[0], target))
        cursor.execute("UPDATE jobs SET state = 'done' WHERE id = %s", (row[0],))
        connection.commit()


threads = [threading.Thread(target=work) for _ in range(THREADS)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
