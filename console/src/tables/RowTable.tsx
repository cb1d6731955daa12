import type { RowCard } from "../api/tables";
import { common } from "../texts/common";
import { tables } from "../texts/tables";
import { Actor } from "../ui/Actor";
import { Button } from "../ui/Button";
import { StackedTable } from "../ui/StackedTable";
import { Time } from "../ui/Time";
import { beginning } from "../ui/download";

/** So much of a value is shown in the list; all of it is in its dialog. */
const SHOWN = 240;

interface RowTableProps {
  name: string;
  rows: RowCard[];
  operator: boolean;
  onEdit: (row: RowCard) => void;
  onDelete: (row: RowCard) => void;
}

export function RowTable({ name, rows, operator, onEdit, onDelete }: RowTableProps) {
  return (
    <StackedTable label={name} columns={[tables.key, tables.value, tables.version, tables.changed, tables.by]} actions={tables.edit}>
      {rows.map((row) => (
        <tr key={row.key}>
          <td className="anywhere">
            <bdi className="strong mono">{row.key}</bdi>
          </td>
          <td className="anywhere small" data-label={tables.value}>
            <Value value={row.value} />
          </td>
          <td data-label={tables.version}>{row.version}</td>
          <td data-label={tables.changed}>
            <Time at={row.updated_at} />
          </td>
          <td data-label={tables.by} className="anywhere small">
            <Actor id={row.updated_by} />
          </td>
          <td>
            {operator && (
              <span className="row">
                <Button size="small" aria-label={`${tables.edit} ${row.key}`} onClick={() => onEdit(row)}>
                  {tables.edit}
                </Button>
                <Button size="small" variant="danger" aria-label={`${common.delete} ${row.key}`} onClick={() => onDelete(row)}>
                  {common.delete}
                </Button>
              </span>
            )}
          </td>
        </tr>
      ))}
    </StackedTable>
  );
}

function Value({ value }: { value: unknown }) {
  const whole = JSON.stringify(value) ?? "";
  const shown = beginning(whole, SHOWN);
  return (
    <bdi className="mono">
      {shown}
      {shown.length < whole.length && "…"}
    </bdi>
  );
}
