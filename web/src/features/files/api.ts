import type { Http, UploadOptions } from '$/lib/api/http';

export class FilesApi {
  constructor(private readonly http: Http) {}

  upload(file: File, options: UploadOptions) {
    const form = new FormData();
    form.append('file', file, file.name);
    return this.http.upload('POST /api/v1/files/', form, options);
  }
  show = (id: string) => this.http.call('GET /api/v1/files/{id}', { path: { id } });
  status = (id: string) => this.http.call('GET /api/v1/files/{id}/process/status', { path: { id } });
  delete = (id: string) => this.http.call('DELETE /api/v1/files/{id}', { path: { id } });
}
