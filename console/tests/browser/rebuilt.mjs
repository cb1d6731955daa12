// The examples, as somebody builds them from an empty canvas who never looks at the text. `hand` is the mouse or the keys.
//
// Each flow has its `input`, or several `cases` of it; `who` tells the runs apart where each makes something. What must be the same
// of the example and of what was built is what `seen` says: the output where nothing else is said.

import assert from "node:assert/strict";
import { until } from "./api.mjs";
import { api, asked, call, graph, unfold } from "./builder.mjs";
import { joined } from "./joined.mjs";

async function query(hand, pairs) {
  for (const [index, [name, value]] of pairs.entries()) {
    await hand.add_row("Query");
    await hand.fill(`Query: Name ${index + 1}`, name);
    await hand.fill(`Query: Value ${index + 1}`, value);
  }
}

async function output(hand, jq) {
  await unfold(hand, "Input and output");
  await hand.fill("Output as", jq);
}

async function inside(hand, jq) {
  await unfold(hand, "Input and output");
  await hand.fill("Export as", jq);
}

const NOBODYS_GROUP = "00000000-0000-0000-0000-000000000000";

export const REBUILT = {
  "list-users": {
    input: {},
    async build(hand) {
      await hand.add("All pages of a list");
      await hand.name("users");
      await hand.choose("Connection", "graph");
      await hand.fill("Path or URL", "/users");
      await query(hand, [["$select", "id,displayName,userPrincipalName"]]);
      await hand.fill("Page size", "100");
      await hand.add("For each");
      await hand.name("keep");
      await hand.fill("Each one is called", "user");
      await hand.into("each round", "keep");
      await hand.add("Put a row");
      await hand.name("row");
      await hand.fill("Table", "users");
      await hand.fill("Key", "${ $user.id }");
      await hand.fill("Value", "${ $user | {displayName, userPrincipalName} }");
      await output(hand, "{users: (($task.input.users // 0) + 1)}");
    },
  },
  "stale-guests": {
    input: { days: 1 },
    // a table's rows are those of both
    async build(hand) {
      await unfold(hand, "Input and output");
      await hand.fill("Input from", "{days: (.days // 90)}");
      await hand.add("All pages of a list");
      await hand.name("users");
      await hand.choose("Connection", "graph");
      await hand.fill("Path or URL", "/users");
      await query(hand, [["$select", "id,displayName,mail,userType,createdDateTime"]]);
      await hand.fill("Page size", "100");
      await inside(hand, "{oldest: ($workflow.startedAt.epoch.seconds - $input.days * 86400)}");
      await hand.add("For each");
      await hand.name("look");
      await hand.fill("Each one is called", "user");
      await hand.into("each round", "look");
      await hand.add("Put a row");
      await hand.name("report");
      await hand.fill("Table", "stale-guests");
      await hand.fill("Key", "${ $user.id }");
      await hand.fill("Value", "${ $user | {displayName, mail, createdDateTime} }");
      await unfold(hand, "Input and output");
      await hand.fill("Only if", '$user.userType == "Guest" and ($user.createdDateTime | fromdateiso8601) < $context.oldest');
      await hand.after("look");
      await hand.add("List rows");
      await hand.name("result");
      await hand.fill("Table", "stale-guests");
      await hand.fill("At most this many", "1000");
      await output(hand, "{guests: [.items[].value]}");
    },
  },
  "block-leaver": {
    input: ({ facts }) => ({ user: facts.users[4].upn }),
    async build(hand) {
      await unfold(hand, "Input and output");
      await hand.fill("Input schema", "{type: object, required: [user], additionalProperties: false, properties: {user: {type: string, minLength: 1, description: Id or user principal name.}, after: {type: string}}}");
      await unfold(hand, "Names that steps can use");
      await hand.press("Add a named retry");
      await hand.add("Wait");
      await hand.name("untilThen");
      await hand.fill("How long", "${ .after }");
      await unfold(hand, "Input and output");
      await hand.fill("Only if", ".after != null");
      await call(hand, "block", "PATCH", "/users/{user}");
      await hand.fill("Body", "{accountEnabled: false}");
      await hand.choose("After a crash, when nobody knows whether it was sent", "send it again");
      await output(hand, "$task.input");
      await hand.add("Try and catch");
      await hand.name("revoke");
      await hand.fill("Errors that are caught", "{type: https://serverlessworkflow.io/spec/1.0.0/errors/communication}");
      await hand.choose("Retry", "patient");
      await hand.into("try this", "revoke");
      await call(hand, "sessions", "POST", "/users/{user}/revokeSignInSessions");
      await hand.choose("After a crash, when nobody knows whether it was sent", "send it again");
      await output(hand, "$task.input + {revoked: .value}");
      await hand.after("revoke");
      await call(hand, "check", "GET", "/users/{user}");
      await query(hand, [["$select", "id,accountEnabled"]]);
      await output(hand, "{user: .id, blocked: (.accountEnabled | not), revoked: $task.input.revoked}");
    },
  },
  "licence-report": {
    input: {},
    async build(hand) {
      await unfold(hand, "What starts it");
      await hand.choose("By the clock", "every day");
      await hand.fill("At", "02:00");
      await hand.fill("Time zone", "Europe/Berlin");
      await hand.fill("Keep finished runs for days", "90");
      await call(hand, "licences", "GET", "/subscribedSkus");
      await output(hand, "[.value[] | {licence: .skuPartNumber, bought: .prepaidUnits.enabled, used: .consumedUnits, free: (.prepaidUnits.enabled - .consumedUnits)}]");
      await hand.add("Put a row");
      await hand.name("keep");
      await hand.fill("Table", "licences");
      await hand.fill("Key", "${ $workflow.startedAt.iso8601[:10] }");
      await output(hand, "$task.input");
    },
  },
  "group-sync": {
    input: ({ groups }) => ({ source: groups[0], target: groups[1] }),
    async build(hand) {
      await unfold(hand, "Input and output");
      await hand.fill("Input schema", "{type: object, required: [source, target], properties: {source: {type: string}, target: {type: string}}}");
      await hand.add("Side by side");
      await hand.name("read");
      await inside(hand, ".");
      await output(hand, "{target: $task.input.target, add: (.[0] - .[1]), remove: (.[1] - .[0])}");
      for (const [name, group] of [["wanted", "source"], ["there", "target"]]) {
        if (name === "wanted") await hand.into("side by side", "read");
        await hand.add("All pages of a list");
        await hand.name(name);
        await hand.choose("Connection", "graph");
        await hand.fill("Path or URL", `\${ "/groups/\\(.${group})/members" }`);
        await hand.check("Put out the list itself (at most 10,000 items)");
        await output(hand, "[.[].id]");
      }
      await hand.after("read");
      for (const [name, method, path] of [
        ["add", "POST", '${ "/groups/\\($context.target)/members/$ref" }'],
        ["remove", "DELETE", '${ "/groups/\\($context.target)/members/\\($user)/$ref" }'],
      ]) {
        await hand.add("For each");
        await hand.name(name);
        await hand.fill("Each one is called", "user");
        await hand.fill("In", `$context.${name}`);
        await hand.into("each round", name);
        await call(hand, "member", method, path);
        if (name === "add") await hand.fill("Body", "'@odata.id': '${ \"https://graph.microsoft.com/v1.0/users/\\($user)\" }'");
        await hand.after(name);
      }
      await hand.add("Set");
      await hand.name("result");
      await hand.fill("Data", "{added: '${ $context.add | length }', removed: '${ $context.remove | length }'}");
    },
    /** The members are the same now: what there was to do is done before the second run. */
    async again({ empty }) {
      await empty();
    },
  },
  "approve-delete": {
    input: ({ facts }) => ({ user: facts.users[5].upn }),
    /** Somebody says no. */
    async during(page) {
      const asked = await until("a question is asked", async () => (await api(page, "GET", "/approvals")).body.items[0]);
      const said = await api(page, "POST", `/approvals/${asked.id}`, { decision: "reject", comment: "not this one" });
      assert.ok(said.status < 300, JSON.stringify(said.body));
    },
    async build(hand) {
      await unfold(hand, "Input and output");
      await hand.fill("Input schema", "{type: object, required: [user], properties: {user: {type: string, minLength: 1}}}");
      await call(hand, "find", "GET", "/users/{user}");
      await query(hand, [["$select", "id,displayName,userPrincipalName"]]);
      await inside(hand, ".");
      await hand.add("Try and catch");
      await hand.name("ask");
      await hand.fill("Errors that are caught", "{type: https://serverlessworkflow.io/spec/1.0.0/errors/timeout}");
      await hand.into("try this", "ask");
      await hand.add("Ask a person");
      await hand.name("person");
      await hand.fill("Title", '${ "Delete " + .displayName + "?" }');
      await hand.fill("Message", "The account and its mailbox are gone after 30 days.");
      await hand.fill("Details", "${ . }");
      await unfold(hand, "More settings");
      await hand.fill("Timeout", "{after: P3D}");
      await hand.into("when it fails", "ask");
      await hand.add("Set");
      await hand.name("silence");
      await hand.fill("Data", "{approved: false, by: null, comment: nobody answered in three days}");
      await hand.after("ask");
      await call(hand, "delete", "DELETE", '${ "/users/\\($context.id)" }');
      await output(hand, "{deleted: true, by: $task.input.by}");
      await unfold(hand, "More settings");
      await hand.choose("Then", "end: end the flow");
      await hand.add("Set");
      await hand.name("kept");
      await hand.fill("Data", "{deleted: false, by: '${ .by }', comment: '${ .comment }'}");
      await hand.after("ask");
      await hand.add("Switch");
      await hand.name("decide");
      await hand.fill("When", ".approved");
      await hand.choose("Then", "delete");
      await hand.press("Add");
      await hand.fill("Name", "no", 2);
      await hand.choose("Then", "kept", 1);
    },
  },
  "joiner-webhook": {
    // HR's system starts it, not a person
    input: (_, who) => ({ given: "Ada", surname: "Example", alias: `joiner-${who}` }),
    start: joined,
    async seen(page, { answer, output, status }, { alias }) {
      const made = await graph(page, "GET", `/users/${alias}@contoso.example`);
      const whole = { id: made.id, userPrincipalName: `${alias}@contoso.example` };
      assert.deepEqual([output, answer.body], [whole, whole]);
      return { status, answered: answer.status, name: made.displayName, enabled: made.accountEnabled };
    },
    async build(hand) {
      await hand.check("hr-webhook");
      await hand.check("first-password");
      await unfold(hand, "What starts it");
      await hand.fill("Webhooks", "hr: {authentication: {signature: [hr-webhook]}, wait: PT20S}");
      await hand.add("Set");
      await hand.name("joiner");
      await hand.fill("Data", "${ .body }");
      await inside(hand, ".");
      await unfold(hand, "More settings");
      await hand.fill("Output schema", "{type: object, required: [given, surname, alias], properties: {given: {type: string, minLength: 1}, surname: {type: string, minLength: 1}, alias: {type: string, pattern: '^[a-z0-9.-]{1,64}$'}}}");
      await call(hand, "create", "POST", "/users");
      await hand.fill(
        "Body",
        `{accountEnabled: true, displayName: '\${ .given + " " + .surname }', givenName: '\${ .given }', surname: '\${ .surname }', mailNickname: '\${ .alias }', userPrincipalName: '\${ .alias + "@contoso.example" }', passwordProfile: {password: '\${ $secrets["first-password"] }', forceChangePasswordNextSignIn: true}}`,
      );
      await output(hand, "{id, userPrincipalName}");
      await hand.add("Answer the caller");
      await hand.name("answer");
      await hand.fill("Status", "201");
      await hand.fill("Body", "${ . }");
      await output(hand, "$task.input");
    },
  },
  "retry-and-compensate": {
    cases: [
      {
        input: ({ groups }, who) => ({ alias: `kept-${who}`, name: "Kept User", group: groups[0] }),
        /** The group's first answer is that it is busy. */
        before: ({ control }) => control("faults", { route: "graph", match: "members", status: 503, times: 1 }),
        status: "completed",
      },
      { input: (_, who) => ({ alias: `gone-${who}`, name: "Gone User", group: NOBODYS_GROUP }), status: "faulted" },
    ],
    async seen(page, { status, error, output, steps }, { alias, group }) {
      const user = await asked(page, "GET", `/users/${alias}@contoso.example`);
      const members = user.status === 200 ? (await graph(page, "GET", `/groups/${group}/members`)).value : [];
      if (user.status === 200) assert.deepEqual(output, { user: user.body.id });
      return { status, error, there: user.status, isMember: members.some(({ id }) => id === user.body.id), steps: steps.map(({ name, status: how }) => `${name} ${how}`) };
    },
    async build(hand) {
      await hand.check("first-password");
      await unfold(hand, "Input and output");
      await hand.fill("Input schema", "{type: object, required: [alias, name, group], properties: {alias: {type: string}, name: {type: string}, group: {type: string}}}");
      await call(hand, "create", "POST", "/users");
      await hand.fill(
        "Body",
        `{accountEnabled: true, displayName: '\${ .name }', mailNickname: '\${ .alias }', userPrincipalName: '\${ .alias + "@contoso.example" }', passwordProfile: {password: '\${ $secrets["first-password"] }'}}`,
      );
      await output(hand, "{id, group: $task.input.group}");
      await inside(hand, ".");
      await hand.add("Try and catch");
      await hand.name("join");
      await hand.fill("Errors that are caught", "{type: https://serverlessworkflow.io/spec/1.0.0/errors/communication}");
      await hand.choose("Retry", "as said here");
      await hand.fill("Delay before the next try", "1");
      await hand.fill("Tries again at most", "3");
      await hand.fill("Tries again only when", "$problem.status == 429 or $problem.status >= 500");
      await hand.fill("The error is called", "problem");
      await hand.into("try this", "join");
      await call(hand, "member", "POST", '${ "/groups/\\(.group)/members/$ref" }');
      await hand.fill("Body", "'@odata.id': '${ \"https://graph.microsoft.com/v1.0/users/\\(.id)\" }'");
      await output(hand, "{user: $context.id}");
      await hand.into("when it fails", "join");
      await call(hand, "undo", "DELETE", '${ "/users/\\($context.id)" }');
      await hand.add("Fail");
      await hand.name("tell");
      await hand.fill("Title", "The user was not created");
      await hand.fill("Detail", '${ "group \\($context.group): \\($problem.title // "no answer"); the user was deleted again" }');
    },
  },
};
