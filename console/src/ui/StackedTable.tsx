// A list as a table. On a narrow screen each row is a block of its own, in which a cell says its column by `data-label`.

import type { ReactNode } from "react";

interface StackedTableProps {
  /** What the list is, for whoever does not see it. */
  label: string;
  columns: string[];
  /** What the buttons in a last column without a title do. */
  actions?: string;
  /** How the region around the table looks. */
  className?: string;
  /** Its rows. */
  children: ReactNode;
}

export function StackedTable({ label, columns, actions, className = "panel-flat", children }: StackedTableProps) {
  return (
    <div className={`scroll ${className}`.trimEnd()} tabIndex={0} role="region" aria-label={label}>
      <table className="table table-stacked">
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column} scope="col">
                {column}
              </th>
            ))}
            {actions && (
              <th scope="col">
                <span className="visually-hidden">{actions}</span>
              </th>
            )}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}
