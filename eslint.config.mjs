import jupyter from '@jupyter/eslint-plugin';
import tseslint from 'typescript-eslint';

// `jlpm lint:check` lets nothing pass: what Jupyter's own rules call a warning is an
// error here, except where this file says why not.
const asErrors = configs =>
  configs.map(config => ({
    ...config,
    rules: Object.fromEntries(
      Object.entries(config.rules).map(([rule, level]) => [
        rule,
        level === 'warn' ? 'error' : level
      ])
    )
  }));

export default tseslint.config(
  {
    ignores: [
      '**/node_modules/',
      'lib/',
      'dist/',
      'medlab/',
      'results/',
      'samples/',
      'test-results/',
      '.venv/',
      '**/.ipynb_checkpoints/'
    ]
  },
  {
    files: ['labextension/**/*.{ts,tsx,mjs}', 'tests/**/*.ts'],
    extends: [...tseslint.configs.recommended],
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      // A token and the interface it stands for share their name: Jupyter's habit.
      '@typescript-eslint/no-redeclare': 'off',
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }
      ],
      '@typescript-eslint/consistent-type-imports': [
        'error',
        { fixStyle: 'inline-type-imports' }
      ],
      'no-console': 'error',
      eqeqeq: ['error', 'always'],
      curly: 'error',
      'max-lines-per-function': [
        'error',
        { max: 80, skipBlankLines: true, skipComments: true }
      ]
    }
  },
  {
    files: ['labextension/src/**/*.{ts,tsx}'],
    languageOptions: {
      parserOptions: {
        projectService: true,
        tsconfigRootDir: import.meta.dirname
      }
    },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/no-misused-promises': [
        'error',
        { checksVoidReturn: { attributes: false } }
      ],
      'no-restricted-syntax': [
        'error',
        {
          selector: 'MemberExpression[property.name=/^(inner|outer)HTML$/]',
          message: 'Patient strings are hostile text: use textContent.'
        },
        {
          selector: "CallExpression[callee.property.name='insertAdjacentHTML']",
          message: 'Patient strings are hostile text: use textContent.'
        },
        {
          selector: "JSXAttribute[name.name='dangerouslySetInnerHTML']",
          message: 'Patient strings are hostile text: use children.'
        }
      ]
    }
  },
  {
    files: ['tests/**/*.ts'],
    rules: { 'max-lines-per-function': 'off' }
  },
  { plugins: { jupyter } },
  ...asErrors(jupyter.configs.recommended),
  {
    files: ['labextension/src/{widgets,view3d}/**/*.ts'],
    rules: {
      // A widget and its 3D view run in pages that have no translator.
      'jupyter/no-untranslated-string': 'off'
    }
  },
  {
    files: ['labextension/src/viewer/scan_view.ts'],
    rules: {
      // Hands the translator to the editor, which knows nothing of Jupyter.
      'jupyter/no-dynamic-translation': 'off'
    }
  },
  {
    files: ['labextension/src/**/plugin.ts'],
    rules: {
      // Each feature is one small file and shares JupyterLab's own packages; the
      // heavy part (NiiVue) is behind import() already.
      'jupyter/prefer-lazy-imports': 'off'
    }
  }
);
