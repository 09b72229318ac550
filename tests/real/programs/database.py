"""database.py CLIENT MODEL: eight tasks, each with a connection of its own, write and read what they wrote.

CLIENT: pymysql, psycopg2, psycopg, redis (also by aiomysql, asyncpg and redis.asyncio where MODEL is asyncio or uvloop);
MODEL: threads, eventlet, gevent, asyncio, uvloop. The server is the one that the environment names.
"""

import sys

client, model = sys.argv[1:]
if model == "eventlet":
    import eventlet
    eventlet.monkey_patch()
    if client == "psycopg2":
        from eventlet.support import psycopg2_patcher
        psycopg2_patcher.make_psycopg_green()
elif model == "gevent":
    from gevent import monkey
    monkey.patch_all()

import asyncio
import os
import threading

TASKS, ROUNDS = 8, 20
failures = []
threading.excepthook = lambda failure: (failures.append(failure), sys.__excepthook__(*failure[:3]))


def connect():
    if client == "pymysql":
        import pymysql
        return pymysql.connect(host="127.0.0.1", port=int(os.environ["MYSQL_PORT"]), user="root")
    if client == "psycopg2":
        import psycopg2
        return psycopg2.connect("")
    import psycopg
    return psycopg.connect("")


def query(number):
    if client == "redis":
        for count in range(ROUNDS):  # one client for all: it has a pool
            shared.set(f"key-{number}", count)
            assert int(shared.get(f"key-{number}")) == count
        return
    connection = connect()
    cursor = connection.cursor()
    for count in range(ROUNDS):
        cursor.execute("SELECT %s", (count,))
        assert int(cursor.fetchone()[0]) == count
    connection.close()


async def query_async(number):
    if client == "aiomysql":
        import aiomysql
        connection = await aiomysql.connect(host="127.0.0.1", port=int(os.environ["MYSQL_PORT"]), user="root")
        cursor = await connection.cursor()
        for count in range(ROUNDS):
            await cursor.execute("SELECT %s", (count,))
            assert (await cursor.fetchone())[0] == count
        connection.close()
    elif client == "asyncpg":
        import asyncpg
        connection = await asyncpg.connect()
        for count in range(ROUNDS):
            assert await connection.fetchval("SELECT $1::int", count) == count
        await connection.close()
    elif client == "psycopg":
        import psycopg
        connection = await psycopg.AsyncConnection.connect("")
        for count in range(ROUNDS):
            cursor = await connection.execute("SELECT %s", (count,))
            assert (await cursor.fetchone())[0] == count
        await connection.close()
    else:
        for count in range(ROUNDS):
            await shared.set(f"key-{number}", count)
            assert int(await shared.get(f"key-{number}")) == count


async def main():
    global shared
    if client == "redis":
        import redis.asyncio
        shared = redis.asyncio.Redis(port=int(os.environ["REDIS_PORT"]))
    await asyncio.gather(*[query_async(number) for number in range(TASKS)])
    if client == "redis":
        await shared.aclose()


if model == "uvloop":
    import uvloop
    uvloop.run(main())
elif model == "asyncio":
    asyncio.run(main())
else:
    if client == "redis":
        import redis
        shared = redis.Redis(port=int(os.environ["REDIS_PORT"]))
    threads = [threading.Thread(target=query, args=(number,)) for number in range(TASKS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
print("failed" if failures else "done")
sys.exit(1 if failures else 0)
