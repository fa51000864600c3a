import fc from 'fast-check';

/**
 * Properties look at other cases in each run, which finds what nobody thought of; in CI always at the same ones, so that its
 * verdict is about the change. Which seed failed is told; `ASSET_CLI_TEST_SEED` repeats it.
 */
const seed = process.env['ASSET_CLI_TEST_SEED'] ?? (process.env['CI'] === 'true' ? '20' : undefined);
if (seed !== undefined) fc.configureGlobal({ seed: Number(seed) });

export default fc;
