/** Runs one piece of work at a time: requests that come while it runs are answered together by one more run. */
export class Refresher {
  #running = false;
  #again = false;
  #stopped = false;
  readonly #work: () => Promise<void>;

  constructor(work: () => Promise<void>) {
    this.#work = work;
  }

  /** Asks for a run; never two at once, never more than one waiting. */
  request(): void {
    if (this.#stopped) return;
    if (this.#running) {
      this.#again = true;
      return;
    }
    void this.#run();
  }

  /** No run begins after this. */
  stop(): void {
    this.#stopped = true;
  }

  async #run(): Promise<void> {
    this.#running = true;
    try {
      do {
        this.#again = false;
        await this.#work();
      } while (this.#again && !this.#stopped);
    } finally {
      this.#running = false;
    }
  }
}
