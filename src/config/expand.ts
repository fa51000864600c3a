import type { Environment } from './settings.ts';

export type Expansion = { text: string } | { problem: string; hint: string };

/** Which variables a file may name, and where their values are. */
export interface ExpansionRules {
  env: Environment;
  /** A file found in a working directory may be someone else's: it must not read secrets out of the environment. */
  ownVariablesOnly: boolean;
}

const OWN_PREFIX = 'ASSET_CLI_';
// `$${` is a literal `${`; what a variable holds is not expanded again.
const REFERENCE = /\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)\}|\$\{/g;

/** Replaces each `${NAME}` by the variable. Neither the text nor a problem ever tells more of the environment than that. */
export function expandVariables(text: string, rules: ExpansionRules): Expansion {
  let problem: Expansion | undefined;
  const expanded = text.replace(REFERENCE, (reference: string, name: string | undefined) => {
    if (reference === '$${') return '${';
    const result = name === undefined ? malformed() : lookUp(name, rules);
    if ('text' in result) return result.text;
    problem ??= result;
    return '';
  });
  return problem ?? { text: expanded };
}

/** What a file itself says, without what it takes from the environment. */
export function withoutReferences(text: string): string {
  return text.replace(REFERENCE, (reference) => (reference === '$${' ? '${' : ''));
}

function malformed(): Expansion {
  return {
    problem: `has a \${ that no variable name and } follow`,
    hint: `Write \${NAME}, or $\${ for the two characters themselves.`,
  };
}

function lookUp(name: string, rules: ExpansionRules): Expansion {
  if (rules.ownVariablesOnly && !name.startsWith(OWN_PREFIX)) {
    return {
      problem: `names \${${name}}, which a configuration found in a working directory may not read`,
      hint: `Such a file expands only \${${OWN_PREFIX}…}. Name it with --config if it is yours.`,
    };
  }
  const value = Object.hasOwn(rules.env, name) ? rules.env[name] : undefined;
  if (value !== undefined) return { text: value };
  return { problem: `names \${${name}}, which is not set`, hint: `Set ${name} in the environment.` };
}
