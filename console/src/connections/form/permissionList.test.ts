import { describe, expect, it } from "vitest";
import type { Permission } from "../../api/presets";
import { idOf, offered } from "./permissionList";

const permission = (name: string, delegated_id: string | null, application_id: string | null, allows = "Something"): Permission => ({ name, delegated_id, application_id, delegated_needs_admin: true, allows });

const all = [
  permission("Group.Create", null, "bf7b1a76", "Create groups"),
  permission("User.DeleteRestore.All", "4bb440cd", "eccc023d", "Delete accounts and restore deleted ones"),
  permission("User.Read", "e1fe6dd8", null, "Read the profile of the person who signed in"),
  permission("offline_access", "7427e0e9", null),
];
const names = (list: readonly Permission[]) => list.map(({ name }) => name);

describe("permissions", () => {
  it("are offered in the form that is wanted, without the one that has a box of its own", () => {
    expect(names(offered(all, true, ""))).toEqual(["User.DeleteRestore.All", "User.Read"]);
    expect(names(offered(all, false, ""))).toEqual(["Group.Create", "User.DeleteRestore.All"]);
  });

  it("are found by name, by meaning and by id", () => {
    expect(names(offered(all, false, "create GROUP"))).toEqual(["Group.Create"]);
    expect(names(offered(all, true, "restore"))).toEqual(["User.DeleteRestore.All"]);
    expect(names(offered(all, true, "e1fe6dd8"))).toEqual(["User.Read"]);
    expect(offered(all, true, "planets")).toEqual([]);
  });

  it("have the id of their form", () => {
    const [first] = offered(all, true, "");
    expect(first && [idOf(first, true), idOf(first, false)]).toEqual(["4bb440cd", "eccc023d"]);
  });
});
