// The tables of flows.

import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { Link, useLocation } from "wouter";
import { type TableCard, tablesQuery } from "../api/tables";
import { type Me, may } from "../api/session";
import { tables } from "../texts/tables";
import { Button } from "../ui/Button";
import { TextField } from "../ui/Field";
import { Loaded } from "../ui/Loaded";
import { Page } from "../ui/Page";

export function TablesPage({ me }: { me: Me }) {
  const query = useQuery(tablesQuery);
  return (
    <Page title={tables.title} lead={tables.lead}>
      <Loaded query={query} empty={<Empty />}>
        {(items) => <List items={items} />}
      </Loaded>
      {may(me, "operator") && <OpenForm />}
    </Page>
  );
}

function Empty() {
  return (
    <section className="panel empty">
      <h2>{tables.empty}</h2>
      <p className="muted">{tables.emptyLead}</p>
    </section>
  );
}

function List({ items }: { items: TableCard[] }) {
  return (
    <div className="scroll panel-flat" tabIndex={0} role="region" aria-label={tables.title}>
      <table className="table">
        <thead>
          <tr>
            <th scope="col">{tables.table}</th>
            <th scope="col">{tables.rows}</th>
          </tr>
        </thead>
        <tbody>
          {items.map(({ name, rows }) => (
            <tr key={name}>
              <td className="anywhere">
                <Link href={`/tables/${encodeURIComponent(name)}`} className="strong">
                  <bdi>{name}</bdi>
                </Link>
              </td>
              <td>{rows}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function OpenForm() {
  const [name, setName] = useState("");
  const [, navigate] = useLocation();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (name !== "") navigate(`/tables/${encodeURIComponent(name)}`);
  };
  return (
    <form className="row-end" onSubmit={submit}>
      <div className="grow">
        <TextField label={tables.open} hint={tables.openHint} mono required value={name} onChange={setName} />
      </div>
      <Button type="submit">{tables.go}</Button>
    </form>
  );
}
