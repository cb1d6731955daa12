import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { keysQuery, usersQuery } from "../api/administration";
import { may, meQuery } from "../api/session";

/** Who did something: by name where whoever looks may know it, a run as a link to it. */
export function Actor({ id }: { id: string }) {
  const me = useQuery(meQuery).data ?? undefined;
  const admin = me !== undefined && may(me, "admin");
  const users = useQuery({ ...usersQuery, enabled: admin && id.startsWith("usr_") }).data;
  const keys = useQuery({ ...keysQuery, enabled: admin && id.startsWith("key_") }).data;
  if (id.startsWith("run_")) {
    return (
      <Link href={`/runs/${encodeURIComponent(id)}`} className="mono">
        {id}
      </Link>
    );
  }
  const name = id === me?.id ? me.name : (users?.find((user) => user.id === id)?.username ?? keys?.find((key) => key.id === id)?.name);
  return <bdi title={name && id}>{name ?? id}</bdi>;
}
