import type { ContentRef, WantedContent } from '../../catalog/catalog.ts';
import type { OrganizationScope } from '../../core/identity.ts';
import type { OperationContext } from '../context.ts';
import { type Treatment, treatInfected } from './infected-content.ts';

const PAGE_SIZE = 100;

export interface FinishedContent {
  content: WantedContent;
  treatment: Treatment;
}

/** Does what interrupted scans have left undone: verdicts whose bytes are still where they were. */
export async function* finishInfected(
  context: OperationContext,
  scope: OrganizationScope,
): AsyncGenerator<FinishedContent> {
  const catalog = await context.catalog();
  let after: ContentRef | undefined;
  while (!context.signal.aborted) {
    const page = await catalog.verdicts.wanted(scope, PAGE_SIZE, after);
    for (const content of page) {
      if (context.signal.aborted) return;
      yield { content, treatment: await treatInfected(context, content) };
    }
    after = page.at(-1);
    if (page.length < PAGE_SIZE) return;
  }
}
