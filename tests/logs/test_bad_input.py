"""Bad input of every kind, and the message each gets: where, what, which rule, and the way out."""

import dataclasses
import re

import polars as pl
import pytest

from tests.logs import shop_files
from tfrec_combo.base.errors import ConfigError, DataError


@dataclasses.dataclass(frozen=True)
class Case:
  """A user's files with one thing wrong. `files`: name -> content; `tables` as in `shop_files.data`."""

  name: str
  expected: str  # pattern of the message; "~" stands for any run of spaces
  files: dict
  tables: dict = dataclasses.field(default_factory=dict)
  error: type = DataError


def products(row):
  return {"products.csv": shop_files.PRODUCTS + row}


def events(row):
  return {"events.csv": shop_files.EVENTS + row}


def mapped(table, **columns):
  return {table: {"path": f"{table}.csv", "columns": columns}}


BUNDLES = {"bundles": "bundles.csv", "intents": "intents.csv"}
TIMES = pl.DataFrame(
  {"user_id": ["u", "u"], "product_id": ["p1", "p2"], "timestamp": pl.Series(["noon", None], dtype=pl.String)}
)

CASES = [
  Case(
    "null key",
    r"events.csv~line 5~user_id~null~must not be null or empty",
    events(",o9,p1,2024-01-01,view\n"),
  ),
  Case(
    "blank key", r"events.csv~line 5~user_id~'  '~must not be blank", events("  ,o9,p1,2024-01-01,view\n")
  ),
  Case("null product id", r"products.csv~line 5~product_id~null~must not be null", products(",x,,\n")),
  Case(
    "line break in an id",
    r"products.csv~line 5~product_id~'p\\n9'~must not hold a line break",
    products('"p\n9",x,,\n'),
  ),
  Case(
    "place after a text with line breaks",
    r"products.csv~line 8~price~'-1'~must not be negative",
    products('p4,"a\n\nb",,\np5,x,,-1\n'),
  ),
  Case("duplicate product", r"products.csv~line 5~product_id~'p2'~must be unique", products("p2,again,,\n")),
  Case("negative price", r"products.csv~line 5~price~'-3.5'~must not be negative", products("p4,x,,-3.5\n")),
  Case(
    "price of the wrong type", r"products.csv~line 5~price~'\$3'~must be a number", products("p4,x,,$3\n")
  ),
  Case("infinite price", r"products.csv~line 5~price~'inf'~must be finite", products("p4,x,,inf\n")),
  Case(
    "time that does not parse",
    r"events.csv~line 5~timestamp~'2024-13-01'~must be an ISO time",
    events("u1,o9,p1,2024-13-01,view\n"),
  ),
  Case("no time", r"events.csv~line 5~timestamp~null~must not be null", events("u1,o9,p1,,view\n")),
  Case(
    "time of a row without one",
    r"events.csv~line 5~timestamp~'9999-12-31'~must lie between 1900-01-01 and tomorrow",
    events("u1,o9,p1,9999-12-31,view\n"),
  ),
  Case(
    "time before there were shops online",
    r"events.csv~line 5~timestamp~'0001-01-01 00:00'~must lie between 1900-01-01 and tomorrow",
    events("u1,o9,p1,0001-01-01 00:00,view\n"),
  ),
  Case(
    "time to come",
    r"events.csv~line 5~timestamp~'2199-05-01'~must lie between 1900-01-01 and tomorrow",
    events("u1,o9,p1,2199-05-01,view\n"),
  ),
  Case(
    "order of two users",
    r"3 faults(.|\n)*line 2~order_id~'o1'~must belong to one user(.|\n)*line 3~(.|\n)*line 5~order_id~'o1'",
    events("u2,o1,p3,2024-01-02,purchase\n"),
  ),
  Case(
    "order of two users in two files",
    r"2 faults(.|\n)*june.csv~line 2~order_id~'o1'~must belong(.|\n)*may.csv~line 2~order_id~'o1'",
    {
      "may.csv": "user_id,order_id,product_id,timestamp\nu1,o1,p1,2024-05-01\n",
      "june.csv": "user_id,order_id,product_id,timestamp\nu2,o1,p1,2024-06-01\n",
    },
    {"events": {"path": ["may.csv", "june.csv"]}},
  ),
  Case(
    "unknown kind of event",
    r"events.csv~line 5~event~'buy'~must be one of view, click, cart, purchase",
    events("u1,o9,p1,2024-01-01,buy\n"),
  ),
  Case(
    "unknown product in events",
    r"events.csv~line 5~product_id~'p9'~must be an id of the products table",
    events("u1,o9,p9,2024-01-01,view\n"),
  ),
  Case(
    "unknown product in bundles",
    r"bundles.csv~line 4~product_id~'p9'~must be an id of the products table",
    {"bundles.csv": shop_files.BUNDLES + "b1,p9\n"},
    BUNDLES,
  ),
  Case(
    "intent of an unknown bundle",
    r"intents.csv~line 3~bundle_id~'b9'~must be an id of the bundles table",
    {"intents.csv": shop_files.INTENTS + "b9,fishing\n"},
    BUNDLES,
  ),
  Case(
    "return among the purchases",
    r"events.csv~line 2~quantity~'-1'~must be above 0 \(a return is no purchase\)",
    {"events.csv": "user_id,product_id,timestamp,quantity\nu1,p1,2024-01-01,-1\n"},
  ),
  Case(
    "bad row of Parquet",
    r"events.parquet~row 1~timestamp~'noon'~must be an ISO time(.|\n)*row 2~timestamp~null",
    {"events.parquet": TIMES},
    {"events": "events.parquet"},
  ),
  Case(
    "bad line of JSONL",
    r"products.jsonl~line 3~price~'cheap'~must be a number",
    {"products.jsonl": '{"product_id": 1}\n\n{"product_id": 2, "price": "cheap"}\n'},
    {"products": "products.jsonl"},
  ),
  Case(
    "missing file",
    r"data.products.path must name a file that exists, got '.*nowhere.csv'; check the path",
    {},
    {"products": "nowhere.csv"},
  ),
  Case("empty file", r"must name a file with rows, got '.*products.csv \(0 bytes\)'", {"products.csv": ""}),
  Case(
    "header only",
    r"events.csv: holds no rows; export it again",
    {"events.csv": "user_id,product_id,timestamp\n"},
  ),
  Case(
    "unknown suffix",
    r"data.products.path must end in one of .csv, .jsonl, .ndjson, .parquet, got '.*products.xlsx'",
    {"products.xlsx": "x"},
    {"products": "products.xlsx"},
  ),
  Case(
    "mapped column that is not there",
    r"events.csv: column 'user' for events.user_id is not there; did you mean 'user_id'\? map it with "
    r"data.events.columns.user_id; the columns are: user_id, order_id, product_id, timestamp, event",
    {},
    mapped("events", user_id="user"),
  ),
  Case(
    "required column that is not there",
    r"events.csv: column 'timestamp' for events.timestamp is not there; did you mean 'time_stamp'\?",
    {"events.csv": "user_id,product_id,time_stamp\nu1,p1,2024-01-01\n"},
  ),
  Case(
    "mapping of a column the contract does not have",
    r"data.events.columns.custommer is not a column of the contract, got 'custommer'; use one of: user_id",
    {},
    mapped("events", custommer="user_id"),
    ConfigError,
  ),
  Case(
    "two columns for one id",
    r"data.events.columns.user_id must name one column, got \['a', 'b'\]",
    {},
    mapped("events", user_id=["a", "b"]),
    ConfigError,
  ),
  Case(
    "not UTF-8",
    r"products.csv: line 2 is not UTF-8 \(byte 0xe9\); convert it: iconv -f .* -t UTF-8 products.csv",
    {"products.csv": b"product_id,title\np1,caf\xe9\n"},
  ),
  Case(
    "too many fields",
    r"events.csv: line 5 has 6 fields and the header 5; put a field that holds a comma into double quotes",
    events("u1,o9,p1,2024-01-01,view,oops\n"),
  ),
  Case(
    "too many fields between semicolons",
    r"events.csv: line 3 has 4 fields and the header 3; put a field that holds a semicolon into double quotes",
    {"events.csv": b"user_id;product_id;timestamp\nu1;p1;2024-01-01\nu1;p2;2024-01-02;oops\n"},
  ),
  Case(
    "quote that is never closed",
    r"products.csv: the record that starts on line 5 is not CSV: unexpected end of data; check its",
    products('p4,"never,,\n'),
  ),
  Case(
    "broken JSON",
    r"products.jsonl: line 2 is not JSON: Expecting value at column 15; write one object a line",
    {"products.jsonl": '{"product_id": "a"}\n{"product_id": \n'},
    {"products": "products.jsonl"},
  ),
  Case(
    "NaN in JSON",
    r"products.jsonl: line 1 is not JSON: NaN is not a JSON value; write null for a missing value",
    {"products.jsonl": '{"product_id": "a", "price": NaN}\n'},
    {"products": "products.jsonl"},
  ),
  Case(
    "JSON that is no object",
    r"products.jsonl: line 1 is not a JSON object; write one object a line",
    {"products.jsonl": '[{"product_id": "a"}]\n'},
    {"products": "products.jsonl"},
  ),
  Case(
    "not Parquet",
    r"products.parquet: is not a Parquet file; export it again, or give it the suffix it is",
    {"products.parquet": "product_id\np1\n"},
    {"products": "products.parquet"},
  ),
  Case(
    "column of lists",
    r"products.parquet: column 'product_id' must hold plain values, got List\(Int64\); export it as text",
    {"products.parquet": pl.DataFrame({"product_id": [[1]]})},
    {"products": "products.parquet"},
  ),
  Case(
    "duplicate in a file that is joined",
    r"prices.csv~line 3~product_id~'p1'~must be unique among products",
    {"prices.csv": "product_id,cost\np1,1\np1,2\n"},
    {"products": {"path": ["products.csv", "prices.csv"], "columns": {"category": "cost"}}},
  ),
  Case(
    "no products", r"data.products must be given for the source tables", {}, {"products": None}, ConfigError
  ),
  Case(
    "nothing bought",
    r"data.events must be given for the source tables, or",
    {},
    {"events": None},
    ConfigError,
  ),
  Case(
    "intents of no bundles", r"data.intents needs data.bundles", {}, {"intents": "intents.csv"}, ConfigError
  ),
]


def message(case, folder):
  """What a user is told who has the files of `case`."""
  texts = {"products": shop_files.PRODUCTS, "events": shop_files.EVENTS}
  texts |= {"bundles": shop_files.BUNDLES, "intents": shop_files.INTENTS}
  shop_files.written(folder, **texts)
  for name, content in case.files.items():
    if isinstance(content, pl.DataFrame):
      shop_files.write(content, folder / name)
    else:
      (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
  tables = {"products": "products.csv", "events": "events.csv"} | case.tables
  with pytest.raises(case.error) as raised:
    shop_files.read(folder, {name: spec for name, spec in tables.items() if spec is not None})
  return str(raised.value)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_message_says_where_what_and_which_rule(case, tmp_path):
  assert re.search(case.expected.replace("~", " +"), message(case, tmp_path))


def test_one_fault_is_told_once(tmp_path):
  """A product with a bad price is still a product: the events that name it are not at fault."""
  case = Case("", "", products("p4,x,,-1\n") | events("u1,o9,p4,2024-01-01,view\n"))
  assert message(case, tmp_path).startswith("1 fault in the tables:")


def test_all_faults_of_all_tables_at_once(tmp_path):
  bad = products("p4,x,,-1\np4,x,,$2\n") | events("u1,o9,p9,never,buy\n")
  told = message(Case("", "", bad), tmp_path)
  assert told.startswith("6 faults in the tables:")
  for part in ("'-1'", "'p4'", "'$2'", "'p9'", "'never'", "'buy'", "--on-bad-row drop"):
    assert part in told


def test_faults_are_listed_up_to_the_limit_and_counted_beyond(tmp_path):
  rows = "".join(f"q{i},x,,-1\n" for i in range(30)) + "".join(f"r{i},x,,no\n" for i in range(20))
  tables = shop_files.written(tmp_path, products=shop_files.PRODUCTS + rows, events=shop_files.EVENTS)
  with pytest.raises(DataError) as raised:
    shop_files.read(tmp_path, tables, max_faults=4)
  lines = str(raised.value).splitlines()
  assert lines[0] == "50 faults in the tables:"
  assert [int(line.split("line ")[1].split()[0]) for line in lines if "  line " in line] == [5, 6, 7, 8]
  assert "... and 46 more (data.max_faults is 4)" in lines
  assert any(re.fullmatch(r" +30  products.price must not be negative", line) for line in lines)
  assert any(re.fullmatch(r" +20  products.price must be a number.*", line) for line in lines)
