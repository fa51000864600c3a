import type { RegisteredRoute } from '../route.ts';
import { deleteRoute, listRoute, showRoute, signRoute } from './assets.ts';
import { downloadRoute } from './download.ts';
import { filesRoute } from './files.ts';
import { OPERATION_ROUTES } from './operations.ts';
import { uploadRoute } from './upload.ts';

export const ROUTES: readonly RegisteredRoute[] = [
  listRoute,
  uploadRoute,
  downloadRoute,
  showRoute,
  deleteRoute,
  signRoute,
  filesRoute,
  ...OPERATION_ROUTES,
];
