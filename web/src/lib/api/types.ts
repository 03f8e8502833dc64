import type { components } from './schema';

/**
 * What the wire carries. Where the server's own description says it (`schema.d.ts`, made by `npm run api`), that is the type; by hand are
 * those it leaves open or says less exactly than the client needs. Times are seconds unless a field says otherwise.
 */
type Schemas = components['schemas'];

export type Role = 'admin' | 'user' | 'pending';

export interface Features {
  auth?: boolean;
  enable_signup?: boolean;
  enable_login_form?: boolean;
  enable_websocket?: boolean;
  enable_api_keys?: boolean;
  enable_folders?: boolean;
  enable_message_rating?: boolean;
  enable_password_change_form?: boolean;
  websocket_heartbeat_interval?: number;
}

export interface Suggestion {
  title: string[];
  content: string;
}

export interface ServerConfig {
  status: boolean;
  name: string;
  version: string;
  onboarding?: boolean;
  oauth?: { providers?: Record<string, string> };
  features: Features;
  default_models?: string | null;
  default_prompt_suggestions?: Suggestion[] | null;
  permissions?: Permissions;
  ui?: { pending_user_overlay_title?: string | null; pending_user_overlay_content?: string | null };
}

export interface SessionUser {
  id: string;
  name: string;
  email: string;
  role: Role;
  profile_image_url?: string;
  expires_at?: number | null;
  permissions?: Permissions | null;
  /** Upstream returns the session token here as well. We never keep it. */
  token?: string;
}

export type ApiKey = Schemas['ApiKeyView'];

export type Permissions = Record<string, Record<string, boolean>>;

export type UserRow = Pick<Schemas['ListedUser'], 'id' | 'name' | 'email' | 'last_active_at' | 'created_at'> & { role: Role };

export interface Params {
  temperature?: number;
  top_p?: number;
  max_tokens?: number;
  seed?: number;
  reasoning_effort?: string;
  [name: string]: unknown;
}

export interface UiSettings {
  system?: string;
  params?: Params;
  models?: string[];
  [name: string]: unknown;
}

export interface UserSettings {
  ui?: UiSettings | null;
  [name: string]: unknown;
}

export interface ModelInfo {
  id: string;
  name: string;
  owned_by?: string;
  object?: string;
  connection_type?: string;
  tags?: { name: string }[];
  arena?: boolean;
  urlIdx?: number;
  info?: { meta?: ModelMeta | null; base_model_id?: string | null; is_active?: boolean } | null;
}

export interface ModelMeta {
  description?: string | null;
  hidden?: boolean;
  [name: string]: unknown;
}

export interface AccessGrant {
  principal_type: 'user' | 'group' | 'anyone';
  principal_id: string;
  permission: 'read' | 'write';
}

export interface ModelRow {
  id: string;
  base_model_id: string | null;
  name: string;
  params: Record<string, unknown>;
  meta: ModelMeta;
  access_grants?: AccessGrant[];
  is_active: boolean;
}

export type ChatListItem = Pick<Schemas['ChatTitle'], 'id' | 'title' | 'updated_at' | 'created_at'> & Partial<Schemas['ChatTitle']>;

export interface OutputText {
  type: string;
  text?: string;
}

export interface OutputItem {
  type: string;
  id?: string;
  status?: string;
  role?: string;
  content?: OutputText[];
  call_id?: string;
  name?: string;
  arguments?: string;
  output?: unknown;
  started_at?: number;
  ended_at?: number;
  duration?: number;
  code?: string;
  lang?: string;
  [name: string]: unknown;
}

export interface MessageError {
  content?: string;
  message?: string;
}

export interface Source {
  source?: { name?: string; url?: string; id?: string };
  document?: string[];
}

export interface Usage {
  input_tokens?: number;
  output_tokens?: number;
  total_tokens?: number;
  [name: string]: unknown;
}

export interface Message {
  id: string;
  parentId: string | null;
  childrenIds?: string[];
  role: 'user' | 'assistant' | 'system';
  content: string;
  timestamp?: number;
  model?: string;
  modelName?: string;
  modelIdx?: number;
  models?: string[];
  output?: OutputItem[];
  done?: boolean;
  error?: MessageError | string | boolean | null;
  usage?: Usage | null;
  sources?: Source[];
  followUps?: string[];
  statusHistory?: { description?: string; done?: boolean; hidden?: boolean }[];
  annotation?: { rating?: number; reason?: string; comment?: string } | null;
  feedbackId?: string | null;
  [name: string]: unknown;
}

export interface History {
  currentId: string | null;
  messages: Record<string, Message>;
}

export interface ChatBody {
  title?: string;
  models?: string[];
  system?: string;
  params?: Params;
  history?: History;
  [name: string]: unknown;
}

export interface Chat {
  id: string;
  user_id: string;
  title: string;
  chat: ChatBody;
  updated_at: number;
  created_at: number;
  share_id?: string | null;
  archived: boolean;
  pinned?: boolean | null;
  folder_id?: string | null;
  meta?: { tags?: string[] };
}

/** A message among those that stand in its place; the first has index 0. */
export interface Place {
  index: number;
  count: number;
  previous: string | null;
  next: string | null;
}

/** A chat with a page of one branch instead of its history. */
export interface ChatBranch extends Chat {
  branch: {
    messages: Message[];
    /** The newest answers of the models that were asked as well, and what is being written elsewhere in the chat. */
    beside: Message[];
    /** Of the messages that have alternatives. */
    places: Record<string, Place>;
    leaf: string;
    /** Whether the first message is the chat's first. */
    complete: boolean;
  };
}

export type Tag = Pick<Schemas['Tag'], 'id' | 'name'>;

export interface Folder {
  id: string;
  name: string;
  parent_id?: string | null;
  is_expanded?: boolean;
  unread_count?: number;
  data?: { system_prompt?: string; [name: string]: unknown } | null;
  updated_at: number;
}

export interface CompletionReply {
  status: boolean;
  task_ids?: string[];
  chat_id: string;
}

export interface ConnectionConfig {
  enable?: boolean;
  prefix_id?: string;
  tags?: { name: string }[];
  model_ids?: string[];
  connection_type?: string;
  [name: string]: unknown;
}

export interface OpenAIConfig {
  ENABLE_OPENAI_API: boolean;
  OPENAI_API_BASE_URLS: string[];
  OPENAI_API_KEYS: string[];
  OPENAI_API_CONFIGS: Record<string, ConnectionConfig>;
}

export interface OllamaConfig {
  ENABLE_OLLAMA_API: boolean;
  OLLAMA_BASE_URLS: string[];
  OLLAMA_API_CONFIGS: Record<string, ConnectionConfig & { key?: string }>;
}

export type AdminConfig = Record<string, unknown>;

export type Feedback = Pick<Schemas['Feedback'], 'id'>;
