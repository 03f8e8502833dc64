import type { Http } from '$/lib/api/http';
import type { Feedback } from '$/lib/api/types';

const base = '/api/v1/evaluations';

export interface FeedbackForm {
  type: 'rating';
  data: { rating: 1 | -1; model_id: string; sibling_model_ids?: string[]; reason?: string; comment?: string };
  meta: { model_id: string; message_id: string; chat_id: string; message_index?: number };
}

export class EvaluationsApi {
  constructor(private readonly http: Http) {}

  create = (form: FeedbackForm) => this.http.post<Feedback>(`${base}/feedback`, form);
  update = (id: string, form: FeedbackForm) => this.http.post<Feedback>(`${base}/feedback/${id}`, form);
}
