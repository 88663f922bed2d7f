"""A shop's shelf: Postgres has what is on it, Redis counts who looked."""

import os

import psycopg2
import redis
from flask import Flask

app = Flask(__name__)
cache = redis.Redis.from_url(os.environ["CACHE_URL"])

with psycopg2.connect(os.environ["DATABASE_URL"]) as database, database.cursor() as cursor:
    cursor.execute("CREATE TABLE IF NOT EXISTS teas (name text PRIMARY KEY)")
    cursor.execute("INSERT INTO teas VALUES ('Assam'), ('Sencha') ON CONFLICT DO NOTHING")


@app.get("/")
def shelf() -> dict[str, list[str]]:
    """What is on the shelf."""
    cache.incr("looks")
    with psycopg2.connect(os.environ["DATABASE_URL"]) as connection, connection.cursor() as rows:
        rows.execute("SELECT name FROM teas ORDER BY name")
        return {"teas": [name for (name,) in rows.fetchall()]}
