// A value of a run or a row: looked at as table, tree or text, or saved as a file. However large it is, little of it is drawn.

import { common } from "../texts/common";
import { Answer } from "./Answer";
import { Button } from "./Button";
import { saveText } from "./download";

export function Data({ value, file }: { value: unknown; file: string }) {
  if (value === undefined) return <p className="muted">{common.none}</p>;
  return (
    <div className="stack-small">
      <Answer body={value} encoding="json" first={Array.isArray(value) ? "table" : "tree"} />
      <div>
        <Button size="small" icon="down" onClick={() => saveText(`${file}.json`, JSON.stringify(value, null, 2))}>
          {common.download}
        </Button>
      </div>
    </div>
  );
}
