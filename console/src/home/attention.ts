// Which connections and secrets need somebody. Pure.

import type { Card } from "../api/connections";

const DAY = 86_400_000;
/** So long before its end a secret is worth a word. */
const SOON = 30 * DAY;

/** Connections that don't go on by themselves. */
export function needing(cards: readonly Card[]): Card[] {
  return cards.filter(({ state }) => !["ok", "renewing", "waiting"].includes(state));
}

/** Connections whose secret ends within 30 days or has ended, the most urgent first. */
export function expiring(cards: readonly Card[], now: number): { card: Card; at: string; passed: boolean }[] {
  return cards
    .flatMap((card) => (card.secret_expires_at ? [{ card, at: card.secret_expires_at, end: Date.parse(card.secret_expires_at) }] : []))
    .filter(({ end }) => end - now < SOON)
    .sort((a, b) => a.end - b.end)
    .map(({ card, at, end }) => ({ card, at, passed: end <= now }));
}

/** 24 hours ago, to the hour: the same question for a while. */
export function yesterday(now: number): string {
  return new Date(Math.floor(now / 3_600_000) * 3_600_000 - DAY).toISOString();
}
