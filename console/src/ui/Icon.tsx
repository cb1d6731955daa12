// The few signs we use, drawn as paths; all are decoration beside words.

const PATHS = {
  plug: "M9 3v5M15 3v5M6 8h12v3a6 6 0 0 1-12 0V8zM12 17v4",
  send: "M4 12h15M13 6l6 6-6 6",
  list: "M8 6h12M8 12h12M8 18h12M4 6h.01M4 12h.01M4 18h.01",
  key: "M8 15a4 4 0 1 1 3.5-5.9H21v3h-2v2.5h-3V12h-4.5A4 4 0 0 1 8 15zM7.5 11h.01",
  people: "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 20c.5-4 3-6 6.5-6s6 2 6.5 6M16 4.5a3.5 3.5 0 0 1 0 6.5M18 14.5c2 .8 3.2 2.6 3.5 5.5",
  plus: "M12 5v14M5 12h14",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  check: "M5 12.5l4.5 4.5L19 7",
  cross: "M6 6l12 12M18 6L6 18",
  alert: "M12 4l9 16H3L12 4zM12 10v4.5M12 17.5h.01",
  down: "M12 4v11M7 11l5 5 5-5M5 20h14",
  home: "M4 11l8-7 8 7M6 9.5V20h12V9.5",
  flow: "M6 4h5v5H6zM13 15h5v5h-5zM8.5 9v8.5H13",
  play: "M7 4.5v15l12-7.5L7 4.5z",
  question: "M9 9a3 3 0 1 1 4.5 2.6c-1 .6-1.5 1.2-1.5 2.4M12 17.5h.01",
  grid: "M4 5h16v14H4zM4 10h16M10 10v9",
  lock: "M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3",
  gear: "M12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM12 3v3M12 18v3M3 12h3M18 12h3M5.6 5.6l2.2 2.2M16.2 16.2l2.2 2.2M5.6 18.4l2.2-2.2M16.2 7.8l2.2-2.2",
  hook: "M12 4v9a4 4 0 1 1-4-4M12 4l-3 3M12 4l3 3",
  menu: "M4 7h16M4 12h16M4 17h16",
  arrows: "M4 8h15M15 4l4 4-4 4M20 16H5M9 12l-4 4 4 4",
  open: "M14 4h6v6M20 4l-9 9M18 14v6H4V6h6",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg width="18" height="18" viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="1.9" strokeLinecap="round" strokeLinejoin="round" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}

export function Mark() {
  return (
    <svg viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" fill="var(--accent)" />
      <path d="M16 6.5a5.5 5.5 0 0 0-2.6 10.35L11.8 25.5h8.4l-1.6-8.65A5.5 5.5 0 0 0 16 6.5z" fill="var(--accent-ink)" />
    </svg>
  );
}
