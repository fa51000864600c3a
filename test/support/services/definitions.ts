import type { RunningServer } from './server.ts';

export interface PostgresService {
  /** Of the maintenance database, as a superuser; `createDatabase` makes one of a test's own. */
  url: string;
}

export interface S3Service {
  url: string;
  region: string;
  accessKeyId: string;
  secretAccessKey: string;
}

export interface AzureService {
  /** Of the account: `http://127.0.0.1:<port>/devstoreaccount1`. */
  url: string;
  account: string;
  accountKey: string;
  connectionString: string;
}

export interface GcsService {
  /** The client's `apiEndpoint`. */
  url: string;
}

export interface ClamdService {
  host: string;
  port: number;
  /** Its local socket; null where the service is somewhere else. */
  socket: string | null;
}

export interface ToxiproxyService {
  /** Of its HTTP API, for toxiproxy-node-client. */
  url: string;
}

export interface Services {
  postgres: PostgresService;
  s3: S3Service;
  azure: AzureService;
  gcs: GcsService;
  clamd: ClamdService;
  toxiproxy: ToxiproxyService;
}

export type ServiceName = keyof Services;

/** What a test gets where the service is not to be had. */
export interface Skip {
  skip: string;
}

/** How one service is found: its server in the environment, else one that is started here. */
export interface ServiceDefinition<Service> {
  /** The variable that names a running server. */
  variable: string;
  fromUrl(url: string): Service;
  /** One line: how to get a server. */
  install: string;
  /** null: there is no server to start on this machine. */
  start(): Promise<{ service: Service; server: RunningServer } | null>;
}
