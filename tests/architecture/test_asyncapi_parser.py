"""The AsyncAPI document as AsyncAPI's own parser reads it."""

import json
import subprocess
from pathlib import Path

from shop.messaging.documents import golden_files
from tests.support import npm

DOCUMENT = golden_files.FOLDER.parent / "asyncapi.json"
#: Prints the faults that the parser finds in a document. Advice to use a newer version of AsyncAPI is none.
PROGRAM = """
import { readFileSync } from "node:fs";
import { Parser } from "@asyncapi/parser";
const { document, diagnostics } = await new Parser().parse(readFileSync(process.argv[2], "utf8"));
const faults = diagnostics.filter((one) => one.code !== "asyncapi-latest-version");
console.log(JSON.stringify({ read: Boolean(document), faults: faults.map((one) => one.message) }));
"""


def found_by_parser(document: Path) -> object:
    home = npm.folder_with("@asyncapi/parser@3.6.6")
    (home / "parse.mjs").write_text(PROGRAM)
    argv = ["node", home / "parse.mjs", document]
    return json.loads(subprocess.run(argv, check=True, capture_output=True, text=True, timeout=60).stdout)


def test_the_parser_of_asyncapi_finds_no_fault():
    assert found_by_parser(DOCUMENT) == {"read": True, "faults": []}


def test_the_parser_of_asyncapi_would_find_one(tmp_path):
    broken = json.loads(DOCUMENT.read_text())
    del broken["info"]["version"]
    (tmp_path / "broken.json").write_text(json.dumps(broken))
    assert found_by_parser(tmp_path / "broken.json")["faults"]
