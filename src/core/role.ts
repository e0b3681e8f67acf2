export type Role = 'Primary' | 'Replica';
