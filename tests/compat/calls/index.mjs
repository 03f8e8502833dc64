// The list of calls, by subject, in the order they are played; each builds on what those before it left behind.
import { accounts } from './accounts.mjs';
import { chats } from './chats.mjs';
import { sharing } from './sharing.mjs';
import { folders } from './folders.mjs';
import { turns } from './turns.mjs';
import { models } from './models.mjs';
import { passThrough } from './pass_through.mjs';
import { plain } from './plain.mjs';
import { tasks } from './tasks.mjs';
import { analytics } from './analytics.mjs';
import { evaluations } from './evaluations.mjs';
import { users } from './users.mjs';
import { groups } from './groups.mjs';
import { configs } from './configs.mjs';
import { pages } from './pages.mjs';
import { sockets } from './sockets.mjs';
import { endings } from './endings.mjs';

export const subjects = { accounts, chats, sharing, folders, turns, models, passThrough, plain, tasks, evaluations, analytics, users, groups, configs, pages, sockets, endings };
