/** Asking the server while somebody types: after a pause in the typing, and only the newest answer counts. */
export class Latest<T> {
  private timer = 0;
  private asked = 0;

  constructor(
    private readonly wait: number,
    private readonly ask: () => Promise<T>,
    private readonly show: (answer: T) => void,
    private readonly failed: () => void = () => undefined,
  ) {}

  /** When nothing more is typed for the time to wait. */
  soon(): void {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.now(), this.wait);
  }

  async now(): Promise<void> {
    this.asked += 1;
    const mine = this.asked;
    try {
      const answer = await this.ask();
      if (mine === this.asked) this.show(answer);
    } catch {
      if (mine === this.asked) this.failed();
    }
  }
}
