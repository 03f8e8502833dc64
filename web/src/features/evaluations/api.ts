import type { Http } from '$/lib/api/http';
import type { FeedbackForm } from '$/lib/api/types';

export class EvaluationsApi {
  constructor(private readonly http: Http) {}

  create = (form: FeedbackForm) => this.http.call('POST /api/v1/evaluations/feedback', { body: form });
  update = (id: string, form: FeedbackForm) => this.http.call('POST /api/v1/evaluations/feedback/{id}', { path: { id }, body: form });
}
