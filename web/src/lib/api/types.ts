import type { ReplyOf } from './route';
import type { components } from './schema';

/**
 * Names for what the wire carries, all from the server's own description (`schema.d.ts`, made by `make api`). Times are seconds unless a
 * field says otherwise. By hand are only `Role`, which the server describes as any text, and `MessageError`, which is whatever a model's
 * provider said.
 */
type Schemas = components['schemas'];

export type Role = 'admin' | 'user' | 'pending';
export type ServerConfig = Schemas['PublicSettings'];
/** A file on the server, without its bytes. */
export type UploadedFile = Schemas['FileModelResponse'];
export type SessionUser = Schemas['SessionReply'] | Schemas['SessionInfo'];
export type ApiKey = Schemas['ApiKeyView'];
export type ApiKeyForm = Schemas['KeyForm'];
export type UserRow = Schemas['ListedUser'];
export type UserUpdate = Schemas['UpdateForm'];
export type UserSettings = Schemas['UserSettings'];
export type UiSettings = Schemas['UiSettings'];
export type AdminConfig = ReplyOf<'GET /api/v1/auths/admin/config'>;
export type TaskConfig = ReplyOf<'GET /api/v1/tasks/config'>;
export type ClusterOverview = Schemas['ClusterOverview'];
export type ClusterNode = Schemas['NodeView'];
export type ModelsConfig = Schemas['ModelsPage'];

/** Parameters of a model, by name. */
export type Params = NonNullable<UiSettings['params']>;

export type ModelInfo = Schemas['OfferedModel'];
export type ModelRow = Pick<Schemas['ModelView'], 'id' | 'base_model_id' | 'name' | 'params' | 'meta' | 'is_active'> & { access_grants: AccessGrant[] };
export type ModelForm = Schemas['ModelForm'];
/** Who may use or read a thing. */
export type AccessGrant = Schemas['Grant'];

export type ChatListItem = Schemas['ChatTitle'];
export type Chat = Schemas['ChatReply'];
export type ChatBranch = Schemas['BranchReply'];
export type ChatContent = Schemas['ChatContent'];
export type ImportForm = Schemas['ImportForm'];
export type Message = Schemas['ChatMessage'];
/** A message among those that stand in its place; the first has index 0. */
export type Place = Schemas['MessagePlace'];
export type OutputItem = Schemas['OutputItem'];
export type OutputText = Schemas['OutputText'];
export type Tag = Pick<Schemas['Tag'], 'id' | 'name'>;
export type Folder = Schemas['FolderLine'];
export type SharedFolder = Schemas['SharedFolderLine'];
export type FolderChat = Schemas['FolderChat'];
export type FolderData = Schemas['FolderData'];
export type FeedbackForm = Schemas['FeedbackForm'];

export type CompletionRequest = Schemas['CompletionForm'];

export type ConnectionOptions = Schemas['ConnectionOptions'];
export type OpenAIConfig = Schemas['OpenAIConnections'];
export type OllamaModel = Schemas['OllamaModel'];
export type OllamaConfig = Schemas['OllamaConnections'];

export interface MessageError {
  content?: string;
  message?: string;
}

export type Source = Schemas['MessageSource'];
export type Usage = NonNullable<Message['usage']>;
