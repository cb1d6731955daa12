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
  tries: "Each try",
  /** Why a call was sent, or sent again. */
  why: {
    called: "called",
    token_refused: "the API refused the token, it was renewed",
    throttled: "the API had asked to wait",
    unavailable: "the API was in trouble",
    network: "no answer had come",
  },
  renewed: "a new token had to come first",
  after: (milliseconds: number) => `after ${milliseconds} ms`,
  token: (generation: number) => `token ${generation}`,
  by: "By",
  step: "step",
  requestId: "Request id",
};
