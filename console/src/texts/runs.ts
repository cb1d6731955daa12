// Runs: the list, one run, the questions that runs ask.

import type { Parked, RunStatus, StepStatus, Trigger } from "../api/runs";

type Tone = "good" | "warn" | "bad" | "info" | "neutral";

export const statuses: Record<RunStatus, { label: string; tone: Tone }> = {
  pending: { label: "pending", tone: "neutral" },
  running: { label: "running", tone: "info" },
  waiting: { label: "waiting", tone: "info" },
  suspended: { label: "suspended", tone: "warn" },
  parked: { label: "needs somebody", tone: "bad" },
  cancelled: { label: "cancelled", tone: "neutral" },
  faulted: { label: "faulted", tone: "bad" },
  completed: { label: "completed", tone: "good" },
};

export const stepStatuses: Record<StepStatus, { label: string; tone: Tone }> = {
  running: { label: "running", tone: "info" },
  waiting: { label: "waiting", tone: "info" },
  skipped: { label: "skipped", tone: "neutral" },
  completed: { label: "completed", tone: "good" },
  faulted: { label: "faulted", tone: "bad" },
  cancelled: { label: "cancelled", tone: "neutral" },
};

export const runs = {
  title: "Runs",
  lead: "What flows did and do. The list follows by itself.",
  flow: "Flow",
  flowHint: "namespace.name",
  everyFlow: "every flow",
  status: "Status",
  everyStatus: "every status",
  text: "Text in the input or the error",
  since: "Not before",
  until: "Before",
  run: "Run",
  startedAt: "Started",
  startedBy: "By",
  took: "Took",
  goesOn: "goes on",
  wakes: "Goes on",
  empty: "No run matches.",
  none: "No run yet.",
  more: "Earlier runs",
  /** Nothing for a person or a program. */
  means: (trigger: Trigger): string | undefined => {
    switch (trigger.kind) {
      case "webhook":
        return `webhook ${trigger.hook ?? ""}`;
      case "schedule":
        return "its schedule";
      case "event":
        return "an event";
      case "run":
      case "detached":
        return "another run";
      default:
        return undefined;
    }
  },
};

export const run = {
  live: "live",
  reconnecting: "The connection to the server broke off: trying again",
  cancel: "Cancel",
  cancelTitle: "Cancel this run?",
  cancelLead: "It ends for good: what is under way comes to its end, nothing new is begun. It can be done again as a new run.",
  cancelDo: "Cancel the run",
  suspend: "Suspend",
  resume: "Resume",
  retryFailed: "Retry from the failed step",
  retryStart: "Do it again",
  rerun: "Run with another input",
  export: "Export JSON",
  delete: "Delete",
  deleteTitle: "Delete this run?",
  deleteLead: "Its history goes with it: steps, inputs, outputs. What it did at the APIs stays done.",
  deleteDo: "Delete the run",
  asked: "Asked for. The run is told at its next step.",
  facts: "Run",
  id: "Run id",
  flow: "Flow",
  version: (version: string, number: number) => `${version} (number ${number})`,
  once: (version: string) => `${version} (run once, not deployed)`,
  started: "Started",
  by: "By",
  ended: "Ended",
  took: "Took",
  parent: "Started by run",
  retryOf: "Does again run",
  nominal: "Meant for",
  message: "Its hook",
  wakes: "Goes on",
  waitsFor: "Waits for",
  waits: {
    call: "the answer of a call",
    sleep: "a time",
    listen: "an event",
    evaluate: "an expression",
    run: "another run",
    approve: "a person's answer",
  } as Record<string, string>,
  answerIt: "Answer the question",
  children: "Runs that it started",
  calls: "Its calls",
  picture: "Picture of the flow",
  noPicture: "The version that it stands on is gone.",
  steps: "Steps",
  stepsEmpty: "It has not begun yet.",
  stepsMore: (left: number) => `Show more steps (${left} left)`,
  input: "Input",
  output: "Output",
  error: "Error",
  noOutput: "None yet.",
  events: "Events that it published",
  attempt: (count: number) => `attempt ${count}`,
  round: (rounds: readonly number[]) => `round ${rounds.map((round) => round + 1).join(".")}`,
  path: "Place in the flow",
  begun: "Begun",
  call: "Call",
  requestId: "API's request id",
  sent: (count: number) => (count === 1 ? "sent once" : `sent ${count} times`),
  milliseconds: (count: number) => `${count} ms`,
  through: "through",
  byPerson: "A person said what became of it.",
  doThis: "Do this",
  code: "Code",
  childRun: "Run",
  stepInput: "Input",
  stepOutput: "Output",
  nothing: "nothing",
  views: "What went in and came out",
  errorStatus: "Status",
  errorType: "Kind",
  errorAt: "At",
};

export const parked = {
  title: "It can't go on until somebody acts",
  connection: (entry: Extract<Parked, { for: "connection" }>) => `The connection ${entry.name} needs somebody. The call was not sent; the run goes on by itself once the connection works again.`,
  cure: (name: string) => `Cure ${name}`,
  unknown: "A call was sent, and Keyway ended before it had the answer. Look at the other side whether it was made, then say so.",
  sentAt: "Sent",
  step: "Step",
  outcome: "What became of it",
  outcomes: [
    { value: "send_again", label: "It was not made: send it again" },
    { value: "completed", label: "It was made, with this output" },
    { value: "failed", label: "It failed: go on with an error" },
  ] as const,
  output: "Its output as JSON",
  badJson: "This is not JSON.",
  resolve: "Say so",
};

export const approvals = {
  title: "Approvals",
  lead: "Runs that ask somebody before they go on. Each question is answered once.",
  empty: "Nobody waits for an answer.",
  asked: "Asked",
  until: "Can be answered until",
  flow: "Flow",
  run: "Run",
  details: "Details",
  comment: "Comment",
  commentHint: "Goes to the run and into its history.",
  approve: "Approve",
  reject: "Reject",
  approved: (title: string) => `Approved: ${title}`,
  rejected: (title: string) => `Rejected: ${title}`,
};
