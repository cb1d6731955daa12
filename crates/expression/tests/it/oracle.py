#!/usr/bin/env python3
"""Writes oracle.json: what the real jq answers to each line of oracle.txt (input, tab, program).

    pip install jq==1.13 && python oracle.py

The Rust test `differences` holds the dialect against it and lists where the two differ on purpose.
"""

import json
from pathlib import Path

import jq

HERE = Path(__file__).parent


def answer(program: str, text: str) -> dict:
    try:
        compiled = jq.compile(program)
    except ValueError:
        return {"refused": True}
    outputs = []
    try:
        for output in compiled.input_text(text):
            outputs.append(output)
    except ValueError as error:
        return {"error": str(error)}
    return {"outputs": outputs}


def main() -> None:
    lines = []
    for line in (HERE / "oracle.txt").read_text().splitlines():
        text, program = line.split("\t", 1)
        lines.append(json.dumps({"program": program, "input": json.loads(text), **answer(program, text)}, ensure_ascii=True))
    (HERE / "oracle.json").write_text("[\n" + ",\n".join(lines) + "\n]\n")


if __name__ == "__main__":
    main()
