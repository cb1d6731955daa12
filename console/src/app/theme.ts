// Light, dark, or as the device has it; remembered in this browser.

export type Theme = "system" | "light" | "dark";

const KEY = "keyway-theme";

export function storedTheme(): Theme {
  const text = read();
  return text === "light" || text === "dark" ? text : "system";
}

export function applyTheme(theme: Theme): void {
  if (theme === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = theme;
}

export function rememberTheme(theme: Theme): void {
  applyTheme(theme);
  try {
    window.localStorage.setItem(KEY, theme);
  } catch {
    // a browser that keeps nothing still shows it until the page is left
  }
}

function read(): string | null {
  try {
    return window.localStorage.getItem(KEY);
  } catch {
    return null;
  }
}
