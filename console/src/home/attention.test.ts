import { expect, it } from "vitest";
import type { Card } from "../api/connections";
import { expiring, needing, yesterday } from "./attention";

const NOW = Date.parse("2026-11-29T08:30:00Z");
// only what is looked at
const card = (name: string, more: Partial<Card>) => ({ name, state: "ok", ...more }) as Card;

it("names the connections that don't go on by themselves", () => {
  const cards = [card("a", {}), card("b", { state: "renewing" }), card("c", { state: "needs_user" }), card("d", { state: "waiting" }), card("e", { state: "degraded" })];
  expect(needing(cards).map(({ name }) => name)).toEqual(["c", "e"]);
});

it("names secrets that end within 30 days, the most urgent first", () => {
  const cards = [card("later", { secret_expires_at: "2026-12-20T00:00:00Z" }), card("far", { secret_expires_at: "2027-12-20T00:00:00Z" }), card("none", {}), card("over", { secret_expires_at: "2026-11-01T00:00:00Z" })];
  expect(expiring(cards, NOW).map(({ card: { name }, passed }) => [name, passed])).toEqual([
    ["over", true],
    ["later", false],
  ]);
});

it("asks the same question for an hour", () => {
  expect(yesterday(NOW)).toBe("2026-11-28T08:00:00.000Z");
  expect(yesterday(NOW + 20 * 60_000)).toBe(yesterday(NOW));
});
