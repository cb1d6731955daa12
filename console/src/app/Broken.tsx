import { Component, type ReactNode } from "react";
import { common } from "../texts/common";
import { Button } from "../ui/Button";
import { ProblemView } from "../ui/ProblemView";

/** What is left when drawing a page failed. */
export class Broken extends Component<{ children: ReactNode }, { error: Error | null }> {
  override state: { error: Error | null } = { error: null };

  static getDerivedStateFromError(error: Error): { error: Error } {
    return { error };
  }

  override render(): ReactNode {
    if (!this.state.error) return this.props.children;
    return (
      <main className="gate">
        <h1>{common.broken}</h1>
        <p>{common.brokenLead}</p>
        <ProblemView error={this.state.error} />
        <Button variant="primary" onClick={() => window.location.reload()}>
          {common.reload}
        </Button>
      </main>
    );
  }
}
