// The call log.

export const calls = {
  title: "Calls",
  lead: "Every call through a connection: who, where to, and what came of it. Never bodies, headers or query values.",
  again: "Look again",
  connection: "Connection",
  everyConnection: "every connection",
  ofRun: (run: string) => `Only the calls of ${run}.`,
  everybody: "Those of everybody",
  empty: "No call matches.",
  more: "Earlier calls",
  at: "Begun",
  call: "Call",
  ended: "Answered",
  took: (milliseconds: number) => `${milliseconds} ms`,
  sent: (times: number) => `sent ${times} times`,
  by: "By",
  step: "step",
  requestId: "Request id",
};
