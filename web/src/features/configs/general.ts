export interface Setting {
  /** The server's name of it. What the server does not know is not shown. */
  key: string;
  of?: 'tasks';
  kind: 'switch' | 'text' | 'long' | 'choice';
  label: string;
  hint: string;
  options?: readonly (readonly [value: string, text: string])[];
}

export interface SettingSection {
  title: string;
  settings: readonly Setting[];
}

const on = (key: string, label: string, hint = ''): Setting => ({ key, kind: 'switch', label, hint });
const text = (key: string, label: string, hint = ''): Setting => ({ key, kind: 'text', label, hint });
const task = (key: string, label: string, hint = ''): Setting => ({ key, of: 'tasks', kind: 'switch', label, hint });

export const generalSections: readonly SettingSection[] = [
  {
    title: 'Who comes in',
    settings: [
      on('ENABLE_SIGNUP', 'People may create accounts themselves'),
      {
        key: 'DEFAULT_USER_ROLE',
        kind: 'choice',
        label: 'New accounts begin as',
        hint: '',
        options: [
          ['pending', 'Waiting, until let in'],
          ['user', 'User'],
          ['admin', 'Administrator'],
        ],
      },
      on('ENABLE_LOGIN_FORM', 'Sign in with e-mail and password'),
      on('SHOW_ADMIN_DETAILS', 'Tell waiting people whom to ask'),
      text('ADMIN_EMAIL', 'Whom to ask', 'An e-mail address. Empty means the first administrator.'),
      text('PENDING_USER_OVERLAY_TITLE', 'Title for waiting people'),
      { key: 'PENDING_USER_OVERLAY_CONTENT', kind: 'long', label: 'Text for waiting people', hint: 'Markdown.' },
      text('JWT_EXPIRES_IN', 'A sign-in lasts', 'For example 4w, 12h or 30m; -1 means for ever.'),
    ],
  },
  {
    title: 'Programs',
    settings: [
      on('ENABLE_API_KEYS', 'People may make API keys'),
      on('ENABLE_API_KEYS_ENDPOINT_RESTRICTIONS', 'Keys open only some paths'),
      text('API_KEYS_ALLOWED_ENDPOINTS', 'Paths that keys open', 'Separated by commas.'),
    ],
  },
  {
    title: 'Chats',
    settings: [
      on('ENABLE_FOLDERS', 'Folders'),
      on('ENABLE_MESSAGE_RATING', 'Answers can be rated'),
      task('ENABLE_TITLE_GENERATION', 'Models find titles'),
      task('ENABLE_TAGS_GENERATION', 'Models find tags'),
      task('ENABLE_FOLLOW_UP_GENERATION', 'Models suggest what to ask next'),
    ],
  },
  { title: 'This server', settings: [text('WEBUI_URL', 'Address under which people reach it', 'Used in links that leave the house.')] },
];
