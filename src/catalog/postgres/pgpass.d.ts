declare module 'pgpass' {
  interface Connection {
    host: string;
    port: number;
    user: string;
    database: string;
  }
  function readPassword(connection: Connection, done: (password: string | undefined) => void): void;
  export = readPassword;
}
