export default class UntypedCluster {
  constructor(options: object);
}
