import { find, messageOf, showText } from './elements.ts';
import type { Point } from './laboratory.ts';
import { LossPlot } from './plots.ts';

/** What a section with a training needs. */
interface TrainingSectionOptions<R> {
  /** Names of all backends, in the order of their colours. */
  readonly names: readonly string[];
  /** Trains, and reports on the way. */
  readonly run: (steps: number, report: (point: Point) => void) => Promise<R>;
  /** Asks the training to end early. */
  readonly stop: () => void;
  /** Shows what came of it; returns a sentence. */
  readonly show: (result: R) => string;
}

/**
 * A section of the page that trains a network: its form, its progress, its loss, and what came of
 * it.
 */
export class TrainingSection<R> {
  /** Called when a training begins and ends. */
  onRunning: (running: boolean) => void = () => {};
  private readonly root: HTMLElement;
  private readonly options: TrainingSectionOptions<R>;
  private readonly button: HTMLButtonElement;
  private readonly steps: HTMLInputElement;
  private readonly progress: HTMLProgressElement;
  private readonly now: HTMLElement;
  private readonly error: HTMLElement;
  private readonly result: HTMLElement;
  private plot: LossPlot | undefined;
  private running = false;

  constructor(id: string, options: TrainingSectionOptions<R>) {
    this.options = options;
    this.root = find(document, `#${id}`, HTMLElement);
    this.button = find(this.root, 'button', HTMLButtonElement);
    this.steps = find(this.root, 'input[type=number]', HTMLInputElement);
    this.progress = find(this.root, 'progress', HTMLProgressElement);
    this.now = find(this.root, '.now', HTMLElement);
    this.error = find(this.root, '.error', HTMLElement);
    this.result = find(this.root, '.result', HTMLElement);
    find(this.root, 'form', HTMLFormElement).addEventListener('submit', (event) => {
      event.preventDefault();
      if (this.running) this.options.stop();
      else void this.train();
    });
  }

  /** Whether this may train now. */
  set enabled(enabled: boolean) {
    this.button.disabled = !enabled;
  }

  private async train(): Promise<void> {
    const steps = this.steps.valueAsNumber;
    this.begin(steps);
    try {
      const result = await this.options.run(steps, (point) => this.report(point));
      this.result.textContent = this.options.show(result).replaceAll(' %', '\u00a0%');
      this.root.dataset.state = 'done';
    } catch (error) {
      showText(this.error, `The training ended with an error. ${messageOf(error)}`);
      this.result.textContent = '';
      this.root.dataset.state = 'failed';
    } finally {
      this.end();
    }
  }

  private begin(steps: number): void {
    this.running = true;
    this.root.dataset.state = 'running';
    this.button.textContent = 'Stop';
    this.steps.disabled = true;
    showText(this.error, '');
    this.result.textContent = 'Training …';
    this.progress.value = 0;
    this.progress.hidden = false;
    const figure = find(this.root, '.loss', HTMLElement);
    figure.hidden = false;
    this.plot?.destroy();
    this.plot = new LossPlot(find(figure, '.plot', HTMLElement), this.options.names, steps);
    this.onRunning(true);
  }

  private report(point: Point): void {
    this.progress.value = point.step / point.steps;
    this.now.textContent = `step ${point.step} of ${point.steps}, loss ${point.loss.toFixed(3)}`;
    this.plot?.add(point);
  }

  private end(): void {
    this.running = false;
    this.button.textContent = 'Train';
    this.steps.disabled = false;
    this.progress.hidden = true;
    this.now.textContent = '';
    this.onRunning(false);
  }
}
