import { useSignal } from '@preact/signals';
import { Component, type ComponentType, type VNode } from 'preact';
import { useEffect } from 'preact/hooks';
import { demoList } from '../demo-list.ts';
import { demos } from '../demos.ts';
import { nextTask } from '../next-task.ts';
import { shell } from '../texts/en/shell.ts';
import { openDemo } from './address.ts';
import { ErrorNotice } from './error-notice.tsx';

/** The demo whose tab is open, loaded when it is. */
export function OpenDemo(): VNode {
  const loaded = useSignal<{ id: string; View: ComponentType } | undefined>(undefined);
  const failure = useSignal<unknown>(undefined);
  const attempt = useSignal(0);
  const id = openDemo.value;
  const demo = demoList.find((each) => each.id === id);

  useEffect(() => {
    let isWanted = true;
    failure.value = undefined;
    const load = async (): Promise<void> => {
      const { default: View } = await demos[id]();
      // Its scripts have just run; it draws in a task of its own, so that keys and clicks come in
      // between.
      await nextTask();
      if (isWanted) loaded.value = { id, View };
    };
    load().catch((error: unknown) => isWanted && (failure.value = error));
    return () => {
      isWanted = false;
    };
  }, [id, attempt.value]);

  const View = loaded.value?.id === id ? loaded.value.View : undefined;
  const isLoading = View === undefined && failure.value === undefined;
  return (
    <main id="demo" tabIndex={-1} aria-label={demo?.title} aria-busy={isLoading}>
      <div class="demo-head">
        <h2>{demo?.title}</h2>
        <p>{demo?.summary}</p>
      </div>
      {failure.value !== undefined && (
        <ErrorNotice message={shell.notLoaded} action={shell.again} onAction={() => attempt.value++} />
      )}
      {View !== undefined && (
        <Boundary key={id}>
          <View />
        </Boundary>
      )}
    </main>
  );
}

/** Keeps the page alive where a demo's own drawing fails, and says so in its place. */
class Boundary extends Component<{ children: VNode }, { message: string | undefined }> {
  override state: { message: string | undefined } = { message: undefined };

  static override getDerivedStateFromError(error: unknown): { message: string } {
    return { message: error instanceof Error ? error.message : String(error) };
  }

  override componentDidCatch(error: unknown): void {
    console.error(error);
  }

  override render(): VNode {
    const { message } = this.state;
    if (message === undefined) return this.props.children;
    return (
      <ErrorNotice message={message} action={shell.again} onAction={() => this.setState({ message: undefined })} />
    );
  }
}
