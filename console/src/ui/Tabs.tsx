import { type KeyboardEvent, type ReactNode, useId, useState } from "react";

export interface Tab {
  name: string;
  label: string;
  content: () => ReactNode;
}

interface TabsProps {
  label: string;
  tabs: readonly Tab[];
  /** Which one is shown, where that is kept elsewhere. */
  shown?: string;
  onShow?: (name: string) => void;
}

/** Views of one thing; arrow keys move between them. */
export function Tabs({ label, tabs, shown, onShow }: TabsProps) {
  const id = useId();
  const [chosen, setChosen] = useState<string | undefined>();
  const current = tabs.find((tab) => tab.name === (shown ?? chosen)) ?? tabs[0];
  const show = (name: string) => (onShow ?? setChosen)(name);
  if (!current) return null;
  const move = (event: KeyboardEvent<HTMLDivElement>) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const next = tabs[(tabs.indexOf(current) + step + tabs.length) % tabs.length];
    if (!next) return;
    show(next.name);
    document.getElementById(`${id}-${next.name}`)?.focus();
  };
  return (
    <div className="stack-small">
      <div className="tabs" role="tablist" aria-label={label} onKeyDown={move}>
        {tabs.map((tab) => (
          <button
            key={tab.name}
            id={`${id}-${tab.name}`}
            type="button"
            role="tab"
            className="tab"
            aria-selected={tab === current}
            aria-controls={`${id}-panel`}
            tabIndex={tab === current ? 0 : -1}
            onClick={() => show(tab.name)}
          >
            {tab.label}
          </button>
        ))}
      </div>
      <div role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-${current.name}`}>
        {current.content()}
      </div>
    </div>
  );
}
