#!/usr/bin/env python3
"""Counts with DuckDB what `aggregate` must find in real data; writes tests/golden/aggregates/.

    pip install duckdb
    scripts/expected-aggregates.py ../shared/data

The files checked in were counted by DuckDB 2.0.1. tests/it/aggregates/aggregate_data.rs runs the
same queries through the tool and compares: exact results to the last digits that floats have,
approximate ones within their bounds.
"""

import json
import sys
from pathlib import Path

import duckdb

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "tests/golden/aggregates"


def queries(data):
    flights = f"read_csv('{ROOT}/examples/flights-2013-01.csv.gz', nullstr='NA')"
    edits = f"read_json('{data}/json/wikipedia-edits-2015-09-12.ndjson.gz', format='newline_delimited')"
    quakes = f"read_json('{data}/json/usgs-earthquakes.ndjson', format='newline_delimited')"
    yield "flights", f"""
        select origin, count(*) as count, count(dep_delay) as count_dep_delay,
            sum(dep_delay) as sum_dep_delay, avg(dep_delay) as avg_dep_delay,
            min(dep_delay) as min_dep_delay, max(dep_delay) as max_dep_delay,
            stddev_samp(dep_delay) as stddev_dep_delay, stddev_pop(dep_delay) as stddev_pop_dep_delay,
            var_samp(dep_delay) as variance_dep_delay, var_pop(dep_delay) as variance_pop_dep_delay,
            count_if(dep_delay > 60) as late, avg(arr_delay) filter (where dep_delay > 60) as late_arr,
            median(dep_delay) as median_exact_dep_delay,
            quantile_cont(dep_delay, 0.9) as p90_exact_dep_delay,
            quantile_cont(dep_delay, 0.99) as p99_dep_delay,
            quantile_cont(dep_delay, 0.05) as p5_dep_delay,
            count(distinct tailnum) as distinct_exact_tailnum, count(distinct tailnum) as distinct_tailnum,
            first(flight) as first_flight, last(flight) as last_flight,
            arg_max(flight, dep_delay) as arg_max_flight, arg_min(dest, distance) as arg_min_dest
        from {flights} group by origin order by min(rowid)"""
    yield "carriers", f"""
        select carrier, count(*) as count, sum(distance) as sum_distance
        from {flights} group by carrier having avg(dep_delay) > 5
        order by count desc, min(rowid) limit 5"""
    yield "edits", f"""
        select channel, count(*) as count, count("countryIsoCode") as count_countryIsoCode,
            sum(added) as sum_added, avg(delta) as avg_delta, min(page) as min_page, max(page) as max_page,
            stddev_samp(delta) as stddev_delta, count_if("isRobot") as count_if_isRobot,
            sum(added) filter (where not "isRobot") as human,
            quantile_cont(added, 0.5) as median_added, quantile_cont(added, 0.999) as p99_9_added,
            quantile_cont(added, 0.999) as p99_9_exact_added,
            count(distinct "user") as distinct_user, count(distinct "user") as distinct_exact_user,
            arg_max(page, added) as arg_max_page
        from {edits} group by channel order by min(rowid)"""
    yield "earthquakes", f"""
        select properties.net as net, count(*) as count, sum(properties.mag) as sum_mag,
            avg(properties.mag) as avg_mag, max(properties.mag) as max_mag,
            var_samp(properties.mag) as variance_mag, median(properties.mag) as median_exact_mag,
            quantile_cont(properties.mag, 0.9) as p90_mag, count(properties.felt) as count_felt,
            arg_max(properties.place, properties.mag) as arg_max_place,
            avg(geometry.coordinates[3]) filter (where properties.mag >= 2.5) as depth
        from {quakes} group by all order by min(rowid)"""


def with_rowid(sql):
    """The order in which groups were first seen, for tables that have no row number."""
    start = sql.index("from read_")
    table = sql[start + 5 : sql.index(" group by", start)]
    numbered = f"(select *, row_number() over () as rowid from {table})"
    return sql.replace(table, numbered, 1)


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: scripts/expected-aggregates.py DATA_DIRECTORY")
    GOLDEN.mkdir(parents=True, exist_ok=True)
    # One thread, so that the first and the last record are those of the file.
    connection = duckdb.connect(config={"threads": 1})
    for name, sql in queries(Path(sys.argv[1]).resolve()):
        result = connection.execute(with_rowid(sql))
        names = [column[0] for column in result.description]
        with open(GOLDEN / f"{name}.ndjson", "w", encoding="utf-8") as out:
            for row in result.fetchall():
                out.write(json.dumps(dict(zip(names, row)), ensure_ascii=False, default=str) + "\n")


main()
