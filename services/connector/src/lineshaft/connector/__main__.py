from lineshaft.common.service import main
from lineshaft.connector.app import NAME, build
from lineshaft.connector.settings import ConnectorSettings

if __name__ == "__main__":
    main(NAME, ConnectorSettings, build)
