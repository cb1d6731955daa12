// The examples, as somebody builds them from an empty canvas who never looks at the text. `hand` is the mouse or the keys.

import { unfold } from "./builder.mjs";

async function query(hand, pairs) {
  for (const [index, [name, value]] of pairs.entries()) {
    await hand.add_row("Query");
    await hand.fill(`Query: Name ${index + 1}`, name);
    await hand.fill(`Query: Value ${index + 1}`, value);
  }
}

async function call(hand, name, method, path) {
  await hand.add("HTTP request");
  await hand.name(name);
  await hand.choose("Method", method);
  await hand.choose("Connection", "graph");
  await hand.fill("Path or URL", path);
}

async function output(hand, jq) {
  await unfold(hand, "Input and output");
  await hand.fill("Output as", jq);
}

async function inside(hand, jq) {
  await unfold(hand, "Input and output");
  await hand.fill("Export as", jq);
}

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
    input: (facts) => ({ user: facts.users[4].id ?? facts.users[4].upn }),
    async build(hand) {
      await unfold(hand, "Input and output");
      await hand.fill("Input schema", "{type: object, required: [user], additionalProperties: false, properties: {user: {type: string, minLength: 1, description: Id or user principal name.}, after: {type: string}}}");
      await unfold(hand, "Names that steps can use");
      await hand.fill("Named retries", "patient: {delay: PT2S, backoff: {exponential: {}}, limit: {attempt: {count: 5}}}");
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
      await hand.fill("Retry", "patient");
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
      await hand.fill("Schedule", "cron: 0 2 * * *");
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
};
